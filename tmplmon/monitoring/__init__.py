"""Signal PEP 669 monitoring events from Python, for any language hosted in Python."""
