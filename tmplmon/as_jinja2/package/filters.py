"""The filters, which are tmplmon's; other names are those of the installed Jinja2."""

from typing import Any

from tmplmon.as_jinja2.finding import original
from tmplmon.runtime import filters
from tmplmon.runtime.filters import FILTERS

__all__ = ["FILTERS"]


def __getattr__(name: str) -> Any:
    if name.startswith("do_") and hasattr(filters, name):
        return getattr(filters, name)
    return getattr(original("filters"), name)
