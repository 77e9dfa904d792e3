"""Tracebacks that show templates: the engine's own frames are left out, and the lines of templates that are not
files are made known to `linecache`, where every Python tool looks for them.
"""

import linecache
import os
import weakref
from types import TracebackType
from typing import Any

from tmplmon.monitoring.lines import remember_source

_PACKAGE = os.path.dirname(__file__) + os.sep


def of_template(error: Exception) -> Exception:
    """The error, with a traceback that has the frames of templates and of the functions they called."""
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
    return error.with_traceback(following)


def _is_engine(traceback: TracebackType) -> bool:
    return traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE)


_named: "weakref.WeakValueDictionary[str, Any]" = weakref.WeakValueDictionary()
_numbers = iter(range(2, 1 << 62))


def file_of(name: str | None) -> str:
    """The name that stands for the file of a template that has none: one that no other such template has.

    It is in angle brackets, so that coverage.py does not look for the file.
    """
    file = f"<template {name}>" if name is not None else "<template>"
    return file if file not in _named else f"{file[:-1]} {next(_numbers)}>"


def remember_lines(owner: Any, file: str, source: str) -> None:
    """Make `linecache` know the lines of a template that is not a file, for as long as `owner` lives."""
    remember_source(file, source)
    _named[file] = owner
    weakref.finalize(owner, linecache.cache.pop, file, None).atexit = False
