"""The corpus of case files, and what reads and runs them."""
