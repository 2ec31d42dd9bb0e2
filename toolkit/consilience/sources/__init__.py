"""Data for questions and runs."""
