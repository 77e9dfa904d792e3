"""The built-in filters, by subject."""
