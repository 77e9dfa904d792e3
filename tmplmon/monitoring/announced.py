"""A registry of the code objects of languages that are hosted in Python.

Rule: an engine announces its code objects, real or code-like, before it runs them. A tool can list them and be
notified of new ones. It can then set local events on these only, and the rest of the process is not instrumented.
Announcing costs one dict entry; running the code costs nothing extra.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import CodeType

__all__ = ["announce", "announced", "unwatch", "watch", "with_nested"]

# By id: comparing code objects compares all their constants, and hashing one takes microseconds.
_codes: dict[int, weakref.ref[CodeType]] = {}
_watchers: list[Callable[[CodeType], object]] = []


def announce(*codes: CodeType) -> None:
    """Register code objects, once each. Code objects among their constants are registered with them."""
    for code in codes:
        key = id(code)
        if key not in _codes:
            _codes[key] = weakref.ref(code, lambda _, key=key: _codes.pop(key, None))  # type: ignore[misc]
            for watcher in tuple(_watchers):
                for each in with_nested(code):
                    watcher(each)


def announced() -> list[CodeType]:
    """Return all registered code objects that are alive, and those nested in them."""
    alive = [reference() for reference in tuple(_codes.values())]
    return [each for code in alive if code is not None for each in with_nested(code)]


def watch(watcher: Callable[[CodeType], object]) -> None:
    """Call a function with each code object that is announced from now on."""
    _watchers.append(watcher)


def unwatch(watcher: Callable[[CodeType], object]) -> None:
    """Undo `watch`. Raises ValueError if the function is not registered."""
    _watchers.remove(watcher)


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those among its constants, at any depth."""
    pending = [code]
    while pending:
        code = pending.pop()
        yield code
        pending += [const for const in code.co_consts if isinstance(const, CodeType)]
