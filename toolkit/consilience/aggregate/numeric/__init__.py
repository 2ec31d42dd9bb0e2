"""One number a task from many: pools, the experts' errors, and when to stop asking."""
