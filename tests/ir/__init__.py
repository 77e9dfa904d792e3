"""The intermediate representation: its checks, and how it is shown."""
