"""Tracebacks that show templates: without the frames of the engine, and with the lines of templates that are not
files.

`linecache`, where Python's tools look lines up, gets the lines of such templates.
"""

import linecache
import os
import re
import weakref
from collections import Counter
from types import TracebackType
from typing import Any

from tmplmon.monitoring.lines import remember_source

_PACKAGE = os.path.dirname(__file__) + os.sep


def of_template(error: Exception) -> Exception:
    """`error`, with the frames of the engine removed from its traceback.

    A note is added to a RecursionError, with the lines of templates that call each other, and to a TypeError for a
    method that was used in place of what it returns.
    """
    shown: list[TracebackType] = []
    traceback = error.__traceback__
    while traceback is not None:
        if not _is_engine(traceback):
            shown.append(traceback)
        traceback = traceback.tb_next
    following: TracebackType | None = None
    for traceback in reversed(shown):
        traceback.tb_next = following
        following = traceback
    if isinstance(error, RecursionError):
        _note_cycle(error, shown)
    elif type(error) is TypeError and _METHOD.search(str(error)) and not hasattr(error, "__notes__"):
        error.add_note("a method is called with parentheses, as in items()")
    return error.with_traceback(following)


# The message for a method that is used in place of what it returns.
_METHOD = re.compile(
    "'(builtin_function_or_method|method)' object is not (iterable|subscriptable)|"
    "object of type '(builtin_function_or_method|method)' has no len"
)

# The longest cycle that a note shows.
_LONGEST_CYCLE = 20


def _note_cycle(error: RecursionError, shown: list[TracebackType]) -> None:
    """Add a note with the lines that repeat in a traceback: for example, those of two templates that extend each
    other."""
    places = [(tb.tb_frame.f_code, tb.tb_lineno) for tb in shown]
    if not places:
        return
    (most_common, count), *_ = Counter(places).most_common(1)
    # In the middle, because frames may be missing where the error was raised.
    start, *rest = [number for number, place in enumerate(places) if place == most_common][(count - 1) // 2 :]
    if not rest or rest[0] - start > _LONGEST_CYCLE:
        return
    lines = [
        f"{tb.tb_frame.f_globals.get('__name__')!r}, {tb.tb_frame.f_code.co_name}, line {tb.tb_lineno}"
        for tb in shown[start : rest[0] + 1]
    ]
    note = "the same code runs again and again:\n  " + "\n  ".join(lines)
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _is_engine(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE)


_named: "weakref.WeakValueDictionary[str, Any]" = weakref.WeakValueDictionary()
_numbers = iter(range(2, 1 << 62))


def file_of(name: str | None) -> str:
    """A name in place of a file name, for a template that is not a file. No other such template has the same name.

    The name is in angle brackets, so that coverage.py does not look for a file.
    """
    file = f"<template {name}>" if name is not None else "<template>"
    return file if file not in _named else f"{file[:-1]} {next(_numbers)}>"


def remember_lines(owner: Any, file: str, source: str) -> None:
    """Add the lines of a template that is not a file to `linecache`, until `owner` is deallocated."""
    remember_source(file, source)
    _named[file] = owner
    weakref.finalize(owner, linecache.cache.pop, file, None).atexit = False
