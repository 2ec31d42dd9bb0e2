"""One ranking a task from many."""
