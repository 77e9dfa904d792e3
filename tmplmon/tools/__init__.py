"""Tools that look at templates the way Python's own tools look at Python: coverage, error pages, source maps."""
