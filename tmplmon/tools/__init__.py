"""Tools that look at templates the way Python's own tools look at Python: coverage, stepping, error
pages, source maps."""
