"""Benchmarks of tmplmon and other template engines: ``python -m benchmarks``; see docs/performance.md."""
