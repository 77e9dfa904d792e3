"""The stock filters as functions, where applications look for them: `do_truncate` and so on."""

from typing import Any

from tmplmon.runtime import filters
from tmplmon.runtime.filters import FILTERS

__all__ = ["FILTERS"]


def __getattr__(name: str) -> Any:
    return getattr(filters, name)
