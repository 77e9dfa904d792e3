"""A profile as text, in one of several formats: one module and one function each."""

from tmplmon.tools.profiler.formats.show import FORMATS, format_of, show

__all__ = ["FORMATS", "format_of", "show"]
