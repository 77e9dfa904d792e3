"""The code objects of languages that are hosted in Python, as those languages announce them.

Rule: an engine announces the code that it is about to run, real or code-like; a tool asks for what there is and is
told what comes later. So a tool can set local events on just that, and the rest of the process is not even
instrumented. Announcing costs a dict entry; nothing is looked at when the code runs.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from types import CodeType

__all__ = ["announce", "announced", "unwatch", "watch", "with_nested"]

# By identity: comparing code objects compares all their constants, and hashing them takes microseconds.
_codes: dict[int, weakref.ref[CodeType]] = {}
_watchers: list[Callable[[CodeType], object]] = []


def announce(*codes: CodeType) -> None:
    """Make code objects known, once each; those that are constants of theirs are known with them."""
    for code in codes:
        key = id(code)
        if key not in _codes:
            _codes[key] = weakref.ref(code, lambda _, key=key: _codes.pop(key, None))  # type: ignore[misc]
            for watcher in tuple(_watchers):
                for each in with_nested(code):
                    watcher(each)


def announced() -> list[CodeType]:
    """All code objects that were announced and still are, with those nested in them."""
    alive = [reference() for reference in tuple(_codes.values())]
    return [each for code in alive if code is not None for each in with_nested(code)]


def watch(watcher: Callable[[CodeType], object]) -> None:
    """Call a function with each code object that is announced from now on."""
    _watchers.append(watcher)


def unwatch(watcher: Callable[[CodeType], object]) -> None:
    """End what :func:`watch` began. Raises ValueError if it has not."""
    _watchers.remove(watcher)


def with_nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and those among its constants, at any depth."""
    pending = [code]
    while pending:
        code = pending.pop()
        yield code
        pending += [const for const in code.co_consts if isinstance(const, CodeType)]
