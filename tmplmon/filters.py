"""The built-in filters as functions (`do_truncate` …), under the module name that Jinja2 has for them."""

from typing import Any

from tmplmon.runtime import filters
from tmplmon.runtime.filters import FILTERS

__all__ = ["FILTERS"]


def __getattr__(name: str) -> Any:
    return getattr(filters, name)
