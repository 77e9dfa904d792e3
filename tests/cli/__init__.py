"""The command line, by calling its `main` in the same process; a few tests run real processes."""
