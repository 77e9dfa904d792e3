"""Runs of output: values become text one by one, in the template's order, then the whole chunk is put out at once.

    hello {{ name }}{{ n }}     append(f"hello {text_of_name(f)}{text_of_n(f)}")

A run is divided into several chunks where a macro or block that is known here puts out by itself, and where a chunk
would get long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tmplmon.backends.closures import awaiting, suspending
from tmplmon.backends.closures.core import Builder, Closure, Fragment, constant_writer, writer
from tmplmon.backends.closures.frame import OUTER, OUTPUT, Frame
from tmplmon.backends.closures.templates import run_super
from tmplmon.backends.closures.texts import text_of
from tmplmon.ir import ops
from tmplmon.ir.facts import LONGEST_RUN
from tmplmon.ir.output import (
    ConstantText,
    MacroCall,
    OutputRules,
    OutputValue,
    SuperCall,
    split_piece,
    starts_chunk,
)
from tmplmon.runtime.html import escape_to_str
from tmplmon.runtime.undefined import missing


@dataclass(slots=True)
class OutputChunk:
    """Texts and values that are written at once.

    sites: the site of each part; -1 for a blank text.
    values: the number of values.
    site: the site of the last piece that has one.
    """

    parts: list[str | OutputValue] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    values: int = 0
    site: int = -1

    def add_text(self, text: str, site: int) -> None:
        self.parts.append(text)
        self.sites.append(site)

    def add_value(self, value: OutputValue) -> None:
        self.parts.append(value)
        self.sites.append(value.site)
        self.values += 1

    def closures(self, b: Builder) -> list[Fragment]:
        """The parts, with a closure for the text of each value."""
        return [part if isinstance(part, str) else text_of(b, part) for part in self.parts]


def emit(b: Builder, op: ops.Emit) -> list[Closure]:
    """The statements of a run."""
    steps = _Run(b).pieces(op.pieces)
    return [suspending.unless_extended(step) for step in steps] if op.unless_extended else steps


class _Run:
    """Collects a run in chunks, and the statements that write it."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.steps: list[Closure] = []
        self.chunk = OutputChunk()
        constants = b.constants
        guard = constants.guard
        # A guard that is asked about calls of macros and blocks has to see them as calls.
        direct = not (guard is not None and guard.asks_of_macros)
        direct_macros = direct and not constants.is_async and not b.yields
        self.rules = OutputRules(
            constants.finalize is not None, constants.native, direct_macros, direct, escape_to_str
        )

    def pieces(self, pieces: Sequence[ops.EmitText | ops.EmitValue]) -> list[Closure]:
        for piece in pieces:
            if self.b.yields and piece.site >= 0:
                chunk = self.chunk
                has_text = any(site >= 0 for site in chunk.sites)
                if starts_chunk(type(piece) is ops.EmitValue, chunk.values, has_text):
                    self.flush()
            if piece.site >= 0:
                self.chunk.site = piece.site
            for part in split_piece(piece, self.rules):
                match part:
                    case ConstantText():
                        self.chunk.add_text(part.text, part.site)
                    case OutputValue():
                        self.chunk.add_value(part)
                    case MacroCall():
                        self.run_macro(part)
                    case SuperCall():
                        self.run_super(part)
            if self.chunk.values >= LONGEST_RUN:
                self.flush()
        self.flush()
        return self.steps

    def run_macro(self, part: MacroCall) -> None:
        """Run a macro that is known here. It writes to the output of this run."""
        if self.b.calls:
            # The macro is called as a value, so that its call fires events; its text is not escaped.
            self.chunk.add_value(
                OutputValue(part.op, escape=False, finished=True, joined=True, site=part.site)
            )
            return
        self.flush()
        call = direct_call(self.b, part.op, part.macro, part.operands)
        self.steps.append(self.b.at_line(part.op.site, call))

    def run_super(self, part: SuperCall) -> None:
        """Run the next block up the inheritance chain. It writes to the output of this run."""
        self.flush()
        self.steps.append(self.b.at_line(part.site, run_super(self.b, part.block, part.site)))

    def flush(self) -> None:
        chunk, self.chunk = self.chunk, OutputChunk(site=self.chunk.site)
        if chunk.parts:
            self.steps += put_out(self.b, chunk)


def put_out(b: Builder, chunk: OutputChunk) -> list[Closure]:
    """The statements that write a chunk."""
    if b.signals is not None:
        return b.signals.put_out(b, chunk)
    return writers(b, chunk.closures(b), chunk.site)


def writers(b: Builder, parts: Sequence[Fragment], site: int) -> list[Closure]:
    """The statements that write texts and the texts of closures."""
    if b.may_suspend:
        return awaiting.put_out(b, parts, site)
    if b.constants.native:
        return [_native_writer(part) for part in parts]
    if not any(part != "" for part in parts):
        return []
    return [writer(parts) if b.metering is None else b.metering.writer(parts, site)]


def _native_writer(part: Fragment) -> Closure:
    """The statement for one part in a native environment, which writes values as they are."""
    if isinstance(part, str):
        return constant_writer(part)

    def put(f: Frame) -> None:
        f[OUTPUT].append(part(f))

    return put


# --- macros that are known where they are called -----------------------------------------------------------


def direct_call(b: Builder, op: ops.Call, macro: ops.MakeMacro, slots: list[ops.Op | None]) -> Closure:
    """The statement that runs a known macro, with its output appended to this frame's."""
    assert type(op.func) is ops.Load
    scope, out = b.scope, 0
    while scope.ir is not op.func.slot.scope:
        assert scope.outer is not None
        scope, out = scope.outer, out + 1
    run = scope.nested[macro.scope].run
    arguments = [_missing if slot is None else b.value(slot) for slot in slots]
    site = op.site
    if out:
        return _call_from_inside(run, arguments, out, site)

    def call(f: Frame) -> None:
        nonlocal site
        run(f, f[OUTPUT], [value(f) for value in arguments])

    return call


def _call_from_inside(run: Callable[..., None], arguments: list[Closure], out: int, site: int) -> Closure:
    def call(f: Frame) -> None:
        nonlocal site
        outer = f
        for _ in range(out):
            outer = outer[OUTER]
        run(outer, f[OUTPUT], [value(f) for value in arguments])

    return call


def _missing(f: Frame) -> Any:
    return missing
