"""Benchmarks of tmplmon against its peers: ``python -m benchmarks``; see docs/performance.md."""
