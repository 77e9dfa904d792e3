"""What a debugger asks of a frame: is it a template's, and what are its variables, its context, its output.

Rule: a frame is a template's if its globals name a template as their loader, which is so in both back ends; a frame
of another module of this package is the engine's. Nothing else is known of how templates are run but this: in
`f_locals`, `.context` is the context and `.output` the list that output is appended to. (No variable of a template
can have such a name.)
"""

import dis
import os
import sysconfig
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cache
from keyword import iskeyword
from types import FrameType
from typing import Any

import tmplmon
from tmplmon import Template
from tmplmon.monitoring.frames import ScopeFrame
from tmplmon.monitoring.linetable import iter_lines

CONTEXT, OUTPUT = ".context", ".output"

_PACKAGE = os.path.join(os.path.dirname(tmplmon.__file__), "")
# The standard library and installed packages, frozen modules, and what dataclasses and the like generate.
_LIBRARIES = (
    "<frozen ",
    "<string>",
    "<driver>",
    *(os.path.join(sysconfig.get_path(kind), "") for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
)
_YIELD, _RESUME = dis.opmap["YIELD_VALUE"], dis.opmap["RESUME"]
_ENGINE, _LIBRARY, _OTHER = "engine", "library", "other"


def template_of(frame: FrameType) -> Template | None:
    """The template that a frame runs a part of; None for any other frame."""
    loader = frame.f_globals.get("__loader__")
    return loader if isinstance(loader, Template) else None


def is_engine(frame: FrameType | None) -> bool:
    """Whether a frame is the engine's: between a template and what it calls, or between two templates; or one of a
    library that the engine calls."""
    while frame is not None:
        kind = _kind_of_file(frame.f_code.co_filename)
        if kind != _LIBRARY:
            return kind == _ENGINE
        frame = frame.f_back
    return False


@cache
def _kind_of_file(file: str) -> str:
    if file.startswith(_PACKAGE):
        return _ENGINE if file.endswith(".py") else _OTHER
    return _LIBRARY if file.startswith(_LIBRARIES) else _OTHER


def is_pausing(frame: FrameType) -> bool:
    """Whether a template's frame that tells of a 'return' goes on later: it hands out a piece, or waits."""
    if is_scope_frame(frame):
        return bool(getattr(frame.f_locals, "is_paused", False))
    code, at = frame.f_code.co_code, frame.f_lasti
    # Python 3.13 is at the instruction that it goes on with.
    return code[at] == _YIELD or (code[at] == _RESUME and code[at - 2] == _YIELD)


def last_line(frame: FrameType) -> int:
    """The line that a frame was on last, where it is at an instruction that is on none: at the end, after blank
    text."""
    found = frame.f_code.co_firstlineno
    for start, _, line in iter_lines(frame.f_code):
        if start > frame.f_lasti:
            break
        found = line
    return found


def is_scope_frame(frame: FrameType) -> bool:
    """Whether a frame stands for a scope of the closures back end. It says of itself that it is a generator's, but
    it is called and returns once."""
    return isinstance(frame.f_globals.get("_frame"), ScopeFrame)


def stack_of(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and its callers, innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def nearest_template(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of a template, from a frame on."""
    return next((each for each in stack_of(frame) if template_of(each) is not None), None)


class Names(MutableMapping[str, Any]):
    """The variables of a template's frame: under their own names, without the engine's.

    What the frame itself does not have is looked up in the template's context, so that names can be looked at that
    the template does not use. Assigning changes the variable that the template sees.
    """

    def __init__(self, frame: FrameType) -> None:
        self._locals: MutableMapping[str, Any] = frame.f_locals
        # A variable that a macro reads may have a number where another has its name: `x.2` is an `x`.
        self._numbered = {key.partition(".")[0]: key for key in self._locals if "." in key.strip(".")}
        self._frame = frame

    def __getitem__(self, name: str) -> Any:
        if name in self._locals:
            return self._locals[name]
        if name in self._numbered:
            return self._locals[self._numbered[name]]
        context = context_of(self._frame)
        if context is None:
            raise KeyError(name)
        return context[name]

    def __setitem__(self, name: str, value: Any) -> None:
        own = self._numbered.get(name) if name not in self._locals else None
        self._locals[own or name] = value

    def __delitem__(self, name: str) -> None:
        del self._locals[self._numbered.get(name, name) if name not in self._locals else name]

    def __iter__(self) -> Iterator[str]:
        """The frame's own variables: those that a name can be written for."""
        names = dict.fromkeys([*(key for key in self._locals if "." not in key), *self._numbered])
        return (name for name in names if name.isidentifier() and not iskeyword(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def everything(self) -> dict[str, Any]:
        """The variables, and what the context has besides."""
        context = context_of(self._frame)
        known: dict[str, Any] = {} if context is None else context.get_all()
        return {**known, **self}


def context_of(frame: FrameType) -> Any:
    """The context that a template's frame runs in. A macro that does not use it has none in its frame; then it is
    that of the frame that called it. None if there is none at all."""
    for each in stack_of(frame):
        if template_of(each) is not None:
            found = each.f_locals.get(CONTEXT)
            if found is not None:
                return found
    return None


def given_names(context: Any) -> dict[str, Any]:
    """What a template was given and has set at its top level, without the environment's globals."""
    hidden = context.environment.globals
    everything: Mapping[str, Any] = context.get_all()
    return {
        name: value
        for name, value in sorted(everything.items())
        if name not in hidden or hidden[name] is not value
    }


def outputs(frame: FrameType) -> list[tuple[FrameType, str]]:
    """The output so far, as (frame that began it, text): first the page's, then what is being collected to become a
    part of it later, such as a macro's. `frame` is the innermost."""
    found: list[tuple[FrameType, str]] = []
    seen: set[int] = set()
    for each in reversed(list(stack_of(frame))):
        if template_of(each) is None:
            continue
        pieces = each.f_locals.get(OUTPUT)
        if isinstance(pieces, list) and id(pieces) not in seen:
            seen.add(id(pieces))
            found.append((each, "".join(map(str, pieces))))
    return found
