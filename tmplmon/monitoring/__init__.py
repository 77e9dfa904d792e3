"""Signal PEP 669 monitoring events from Python, for any language hosted in Python.

Each part can be used alone: the lines of a source (``lines``), locations in several files (``locations``, and
``linetable`` for CPython's format), code-likes (``codelike``), the states of events (``states``, with ``events``),
and firing (``fire``). ``scope`` combines them; an engine uses that. The package imports only the standard library.

Names are loaded on first use, so importing the package does not import ``ctypes``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tmplmon.monitoring.activation import Activation
    from tmplmon.monitoring.codelike import CodeLike, CodeLikeBuilder
    from tmplmon.monitoring.events import ALL_EVENTS, Event, event
    from tmplmon.monitoring.frames import ScopeFrame
    from tmplmon.monitoring.lines import (
        character_column,
        remember_source,
        split_lines,
        utf8_column,
        with_plain_newlines,
    )
    from tmplmon.monitoring.linetable import (
        Position,
        decode_linetable,
        encode_linetable,
        iter_lines,
        without_line,
        without_resume_line,
    )
    from tmplmon.monitoring.locations import IncludeSite, Location, LocationTable, LocationTableBuilder
    from tmplmon.monitoring.scope import EXIT, Scope, ScopeBuilder
    from tmplmon.monitoring.sites import Site
    from tmplmon.monitoring.states import StateArray

_HOME = {
    "ALL_EVENTS": "events",
    "Activation": "activation",
    "CodeLike": "codelike",
    "CodeLikeBuilder": "codelike",
    "EXIT": "scope",
    "Event": "events",
    "IncludeSite": "locations",
    "Location": "locations",
    "LocationTable": "locations",
    "LocationTableBuilder": "locations",
    "Position": "linetable",
    "Scope": "scope",
    "ScopeBuilder": "scope",
    "ScopeFrame": "frames",
    "Site": "sites",
    "StateArray": "states",
    "character_column": "lines",
    "decode_linetable": "linetable",
    "encode_linetable": "linetable",
    "event": "events",
    "iter_lines": "linetable",
    "remember_source": "lines",
    "split_lines": "lines",
    "utf8_column": "lines",
    "with_plain_newlines": "lines",
    "without_line": "linetable",
    "without_resume_line": "linetable",
}

__all__ = [
    "ALL_EVENTS",
    "EXIT",
    "Activation",
    "CodeLike",
    "CodeLikeBuilder",
    "Event",
    "IncludeSite",
    "Location",
    "LocationTable",
    "LocationTableBuilder",
    "Position",
    "Scope",
    "ScopeBuilder",
    "ScopeFrame",
    "Site",
    "StateArray",
    "character_column",
    "decode_linetable",
    "encode_linetable",
    "event",
    "iter_lines",
    "remember_source",
    "split_lines",
    "utf8_column",
    "with_plain_newlines",
    "without_line",
    "without_resume_line",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
