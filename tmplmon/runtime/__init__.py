"""The run time of templates: contexts, loops, macros, filters, tests, escaping.

The classes that applications subclass or use in `isinstance` can be imported from here. They are loaded on
first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tmplmon.runtime.blocks import BlockReference, TemplateReference
    from tmplmon.runtime.context import Context
    from tmplmon.runtime.loop import AsyncLoopContext, LoopContext
    from tmplmon.runtime.macro import Macro
    from tmplmon.runtime.undefined import (
        ChainableUndefined,
        DebugUndefined,
        StrictUndefined,
        Undefined,
        make_logging_undefined,
    )

_HOME = {
    "AsyncLoopContext": "loop",
    "BlockReference": "blocks",
    "ChainableUndefined": "undefined",
    "Context": "context",
    "DebugUndefined": "undefined",
    "LoopContext": "loop",
    "Macro": "macro",
    "StrictUndefined": "undefined",
    "TemplateReference": "blocks",
    "Undefined": "undefined",
    "make_logging_undefined": "undefined",
}

__all__ = [
    "AsyncLoopContext",
    "BlockReference",
    "ChainableUndefined",
    "Context",
    "DebugUndefined",
    "LoopContext",
    "Macro",
    "StrictUndefined",
    "TemplateReference",
    "Undefined",
    "make_logging_undefined",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
