"""Tools for templates, like Python's own for Python code: coverage, debugger, profiler, tracing, error pages,
source maps."""
