"""Tracebacks: the site at which an exception came up, the scope's frame in its traceback, and its variables.

The frame is a real one, whose code is the scope's code-like. In a quiet run it is made when the exception leaves
the scope, and not before.
"""

import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.frame import CONTEXT, COPIED, FILE, FIRST, ORIGINAL, OUTPUT, SIGNAL, Frame
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope

_ENTRY = str(Path(__file__).with_name("entry.py"))
_WITH_PLACED = ("tmplmon.backends.closures.definitions", "tmplmon.backends.closures.shapes")
_PACKAGE = str(Path(__file__).parents[2]) + os.sep
_BY_ENGINE_NAME = {".context": CONTEXT, ".output": OUTPUT}


class Variables(MutableMapping[str, Any]):
    """A frame's variables by their names in the template: the `f_locals` that debuggers see and can change.

    Where several variables have the same name, the innermost one with a value is seen. The context and the output
    list have the names that the bytecode back end gives them.
    """

    def __init__(self, scope: "CompiledScope", f: Frame) -> None:
        self._places: dict[str, list[int]] = {}
        for slot, i in scope.indexes.items():
            if not slot.name.startswith("."):
                self._places.setdefault(slot.name, []).append(i)
        self._frame = f
        self._others: dict[str, Any] = {}

    @property
    def is_paused(self) -> bool:
        """Whether the scope is suspended: it has yielded output, or awaits a value."""
        return bool(self._frame) and self._frame[SIGNAL] is not None and self._frame[SIGNAL].is_paused

    def _place(self, name: str) -> int | None:
        for i in reversed(self._places.get(name, ())):
            if i < len(self._frame) and self._frame[i] is not missing:
                return i
        return None

    def __getitem__(self, name: str) -> Any:
        i = self._place(name) if name not in _BY_ENGINE_NAME else _BY_ENGINE_NAME[name]
        return self._others[name] if i is None or not self._frame else self._frame[i]

    def __setitem__(self, name: str, value: Any) -> None:
        i = self._place(name)
        if i is None:
            self._others[name] = value
        else:
            self._frame[i] = value

    def __delitem__(self, name: str) -> None:
        i = self._place(name)
        if i is None:
            del self._others[name]
        else:
            self._frame[i] = missing

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._places if self._place(name) is not None)
        yield from (name for name in self._others if self._place(name) is None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


def as_in_frame(traceback: TracebackType | None, frame: FrameType, offset: int, line: int) -> TracebackType:
    """The traceback as it looks in a scope's frame: the frame, and the functions that it called, without the
    closures in between."""
    called: list[TracebackType] = []
    while traceback is not None:
        if traceback.tb_frame is frame:
            called.clear()
        elif not traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            called.append(traceback)
        traceback = traceback.tb_next
    rest: TracebackType | None = None
    for entry in reversed(called):
        rest = TracebackType(rest, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return TracebackType(rest, frame, offset, line)


def error_site(f: Frame, error: BaseException) -> int | None:
    """The IR site at which an exception came up in a frame or a copy of it; None if there is none.

    It is the variable `site` of the innermost closure in the exception's traceback that was called with the frame.
    Closures that were called with it stand before those of the scopes that it entered, unless it was copied.
    """
    site = None
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if site is not None and frame.f_code.co_filename == _ENTRY and f[ORIGINAL] is not COPIED:
            break
        if "site" in frame.f_code.co_freevars or "site" in frame.f_code.co_varnames:
            variables = frame.f_locals
            called_with = variables.get("f")
            if called_with is f or (type(called_with) is list and f is _original(called_with)):
                # A RecursionError or a signal may stop a function before its free variables are set.
                closure_site = variables.get("site")
                if closure_site is not None and closure_site >= 0:
                    site = closure_site
        traceback = traceback.tb_next
    return site


def _original(f: Frame) -> Frame | None:
    return f[ORIGINAL] if len(f) > ORIGINAL else None


def show(scope: "CompiledScope", f: Frame, error: BaseException, site: int | None) -> None:
    """Add the scope's frame, at a site of it, to the traceback of an exception that leaves the scope."""
    shown = _frame(scope, f, site)
    if shown is None:
        return
    frame, offset = shown
    traceback = error.__traceback__ = _without_placed(error.__traceback__)
    while traceback is not None:
        if traceback.tb_frame is frame:
            return  # It is there: the function that raised was called from the scope's frame.
        traceback = traceback.tb_next
    position = scope.ir.position if site is None else scope.ir.positions[site]
    error.__traceback__ = TracebackType(error.__traceback__, frame, offset, position[0])


def _without_placed(traceback: TracebackType | None) -> TracebackType | None:
    """Remove the frames of closures that have the place of a call; see `callers`."""
    first = previous = None
    while traceback is not None:
        following, frame = traceback.tb_next, traceback.tb_frame
        is_placed = frame.f_globals.get(
            "__name__"
        ) in _WITH_PLACED and not frame.f_code.co_filename.startswith(_PACKAGE)
        if not is_placed:
            if previous is None:
                first = traceback
            elif previous.tb_next is not traceback:
                previous.tb_next = traceback
            previous = traceback
        traceback = following
    if previous is not None and previous.tb_next is not None:
        previous.tb_next = None
    return first


def _frame(scope: "CompiledScope", f: Frame, site: int | None) -> tuple[FrameType, int] | None:
    """The scope's frame, and the offset of a site in its code; None on a Python on which frames cannot be made."""
    from tmplmon.monitoring.frames import LINE_OFFSET, ScopeFrame

    if LINE_OFFSET is None:
        return None
    number = None if site is None else scope.plan.place.get(site)
    signal = f[SIGNAL]
    if signal is not None:
        table = f[FILE].whole.scope
        return signal.frame.frame, 0 if number is None else table.sites[f[FIRST] + number].offset
    table = scope.alone.scope
    offset = table.codelikes[0].start if number is None else table.sites[number].offset
    scope_frame = ScopeFrame(table.code, Variables(scope, f), scope.module_names)
    scope_frame.move(scope.ir.position[0] if site is None else scope.ir.positions[site][0], offset)
    scope_frame.close()
    return scope_frame.frame, offset
