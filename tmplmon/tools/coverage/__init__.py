"""Templates in coverage.py's reports: the plugin that ``plugins = tmplmon`` switches on."""

from tmplmon.tools.coverage.plugin import coverage_init

__all__ = ["coverage_init"]
