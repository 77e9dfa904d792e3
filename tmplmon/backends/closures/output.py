"""A run of output: values become text one by one, in the template's order, then the whole run is put out at once.

    hello {{ name }}{{ n }}     append(f"hello {text_of_name(f)}{text_of_n(f)}")

Rule: what a text closure gives is an exact `str`, or an `int`, which has no character to escape. A run is cut where
a macro that is known here puts out by itself, and where it gets long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tmplmon.backends.closures import awaiting, suspending
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.frame import OUTER, OUTPUT, Frame
from tmplmon.backends.closures.joining import Part, constant_writer, writer
from tmplmon.backends.closures.templates import run_super
from tmplmon.backends.closures.texts import joined_value, plain, text_of
from tmplmon.ir import ops
from tmplmon.ir.facts import LONGEST_RUN, known_macro, known_super, macro_slots
from tmplmon.runtime.html import escape_to_str
from tmplmon.runtime.support import joined_text
from tmplmon.runtime.undefined import missing


@dataclass(frozen=True, slots=True)
class Item:
    """A value of a piece. `how` says what its text is: `text_of` the value, or its text as a part of others
    (`joined_value`), or as it is (`plain`)."""

    op: ops.Op
    escape: bool | None
    site: int
    finished: bool
    how: Callable[[Builder, "Item"], Closure]


@dataclass(slots=True)
class Piece:
    """What is put out at once: texts and values.

    sites: one for each part; -1 for a blank text. site: the last one.
    """

    parts: list[str | Item] = field(default_factory=list)
    sites: list[int] = field(default_factory=list)
    values: int = 0
    site: int = -1

    def add_text(self, text: str, site: int) -> None:
        self.parts.append(text)
        self.sites.append(site)

    def add(self, item: Item) -> None:
        self.parts.append(item)
        self.sites.append(item.site)
        self.values += 1

    def closures(self, b: Builder) -> list[Part]:
        """The parts with closures for the values."""
        return [part if isinstance(part, str) else part.how(b, part) for part in self.parts]


def emit(b: Builder, op: ops.Emit) -> list[Closure]:
    """The statements of a run."""
    made = _Run(b).pieces(op.pieces)
    return [suspending.unless_extended(step) for step in made] if op.unless_extended else made


class _Run:
    def __init__(self, b: Builder) -> None:
        self.b = b
        self.made: list[Closure] = []
        self.piece = Piece()

    def pieces(self, pieces: Sequence[ops.EmitText | ops.EmitValue]) -> list[Closure]:
        for piece in pieces:
            if piece.site >= 0:
                self.piece.site = piece.site
            if type(piece) is ops.EmitText:
                self.piece.add_text(piece.text, piece.site)
            else:
                assert isinstance(piece, ops.EmitValue)
                self.value(piece)
            if self.piece.values >= LONGEST_RUN:
                self.flush()
        self.flush()
        return self.made

    def value(self, piece: ops.EmitValue) -> None:
        b, op, escape, site = self.b, piece.value, piece.escape, piece.site
        if (piece.finished or b.constants.finalize is None) and not b.constants.native:
            if type(op) is ops.Const and escape is not None:
                self.piece.add_text(str(escape_to_str(op.value)) if escape else str(op.value), site)
                return
            if type(op) is ops.Concat and escape is not None:
                # Joining and then escaping gives what escaping each part gives.
                for part in op.items:
                    self.joined(part, escape, site)
                return
            guard = b.constants.guard
            if (
                type(op) is ops.Call
                and not (guard is not None and guard.asks_of_macros)
                and (self.direct_macro(op, site) or self.direct_super(op, site))
            ):
                return
        self.piece.add(Item(op, escape, site, piece.finished, text_of))

    def joined(self, op: ops.Op, escape: bool, site: int) -> None:
        """One of the values that ``~`` joins."""
        if type(op) is ops.Const:
            self.piece.add_text(joined_text(op.value) if escape else str(op.value), site)
        else:
            self.piece.add(Item(op, escape, site, True, joined_value))

    def direct_macro(self, op: ops.Call, site: int) -> bool:
        """Runs a macro that is known here with its output going where this output goes."""
        b = self.b
        known = None if b.constants.is_async or b.yields else known_call(op)
        if known is None:
            return False
        if b.calls:
            # The macro is called as a value, so that its call can be told of; its text is put out as it is.
            self.piece.add(Item(op, False, site, True, plain))
            return True
        self.flush()
        self.made.append(b.at_line(op.site, direct_call(b, op, *known)))
        return True

    def direct_super(self, op: ops.Call, site: int) -> bool:
        """Runs the next block up the chain with its output going where this output goes."""
        name = known_super(op)
        if name is None:
            return False
        self.flush()
        self.made.append(self.b.at_line(site, run_super(self.b, name, site)))
        return True

    def flush(self) -> None:
        piece, self.piece = self.piece, Piece(site=self.piece.site)
        if piece.parts:
            self.made += put_out(self.b, piece)


def put_out(b: Builder, piece: Piece) -> list[Closure]:
    """Statements that put a piece out."""
    if b.signals is not None:
        return b.signals.put_out(b, piece)
    return writers(b, piece.closures(b), piece.site)


def writers(b: Builder, parts: Sequence[Part], site: int) -> list[Closure]:
    """Statements that put out texts and the texts of closures."""
    if b.may_suspend:
        return awaiting.put_out(b, parts, site)
    if b.constants.native:
        return [native_part(part) for part in parts]
    if not any(part != "" for part in parts):
        return []
    return [writer(parts) if b.metering is None else b.metering.writer(parts, site)]


def native_part(part: Part) -> Closure:
    """A part of a piece where values are put out as they are."""
    if isinstance(part, str):
        return constant_writer(part)

    def put(f: Frame) -> None:
        f[OUTPUT].append(part(f))

    return put


# --- macros that are known where they are called -----------------------------------------------------------


def known_call(op: ops.Call) -> tuple[ops.MakeMacro, list[ops.Op | None]] | None:
    """The macro that a call is certain to run, and an operand for each of its parameters."""
    macro = known_macro(op.func.slot) if type(op.func) is ops.Load else None
    slots = None if macro is None else macro_slots(macro, op)
    return None if macro is None or slots is None else (macro, slots)


def direct_call(b: Builder, op: ops.Call, macro: ops.MakeMacro, slots: list[ops.Op | None]) -> Closure:
    assert type(op.func) is ops.Load
    scope, out = b.scope, 0
    while scope.ir is not op.func.slot.scope:
        assert scope.outer is not None
        scope, out = scope.outer, out + 1
    run = scope.nested[macro.scope].run
    passed = [_missing if slot is None else b.value(slot) for slot in slots]
    site = op.site
    if out:
        return _call_from_inside(run, passed, out, site)

    def call(f: Frame) -> None:
        nonlocal site
        run(f, f[OUTPUT], [value(f) for value in passed])

    return call


def _call_from_inside(run: Callable[..., None], passed: list[Closure], out: int, site: int) -> Closure:
    def call(f: Frame) -> None:
        nonlocal site
        made_in = f
        for _ in range(out):
            made_in = made_in[OUTER]
        run(made_in, f[OUTPUT], [value(f) for value in passed])

    return call


def _missing(f: Frame) -> Any:
    return missing
