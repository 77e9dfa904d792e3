"""Templates in coverage.py's reports: the plugin that ``plugins = tmplmon`` enables."""

from tmplmon.tools.coverage.plugin import coverage_init

__all__ = ["coverage_init"]
