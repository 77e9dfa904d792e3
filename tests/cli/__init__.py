"""The command line. Most tests call its `main` in this process; a few run a process."""
