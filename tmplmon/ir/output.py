"""What the pieces of a run of output consist of: constant texts, values, and calls that write their own output.

    a{{ 1 }}{{ x ~ "b" }}{{ m(y) }}{{ super() }}

    ConstantText 'a'   ConstantText '1'   OutputValue x   ConstantText 'b'   MacroCall m(y)   SuperCall

Rule: a back end writes a run part by part, as `split_piece` returns them. So both back ends compute the same
texts at compile time, and let the same calls write into the output instead of returning a text.
"""

from collections.abc import Callable
from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.facts import direct_operands, known_macro, known_super
from tmplmon.records import record


@record
class OutputRules:
    """The properties of an environment, and of the code around a run, that decide what a piece consists of.

    finalized: whether the environment has a `finalize`, which every value passes through that is not `finished`.
    native: whether values are written as they are instead of as text.
    direct_macros, direct_supers: whether calls of known macros, and ``super()``, may write their own output.
    escape: function that escapes a constant.
    """

    finalized: bool
    native: bool
    direct_macros: bool
    direct_supers: bool
    escape: Callable[[Any], str]


@record
class ConstantText:
    """A text that is known when the template is compiled. `site` is -1 for a blank text of the template."""

    text: str
    site: int


@record
class OutputValue:
    """A value that is written.

    op, escape, finished: as in `EmitValue`; `finished` also if the environment has no `finalize`.
    joined: whether the value is an operand of ``~``, which is made a text before it is escaped.
    site: the site of the piece.
    """

    op: ops.Op
    escape: bool | None
    finished: bool
    joined: bool
    site: int


@record
class MacroCall:
    """A call of a macro that is known when the template is compiled.

    operands: one for each parameter of the macro, None for one that is not passed.
    site: the site of the piece; that of the call is ``op.site``.
    """

    op: ops.Call
    macro: ops.MakeMacro
    operands: list[ops.Op | None]
    site: int


@record
class SuperCall:
    """``super()``, which runs the next block called `block` up the inheritance chain."""

    op: ops.Call
    block: str
    site: int


type OutputPart = ConstantText | OutputValue | MacroCall | SuperCall


def split_piece(piece: ops.EmitText | ops.EmitValue, rules: OutputRules) -> list[OutputPart]:
    """The parts of a piece, in the order in which they are evaluated and written."""
    if type(piece) is ops.EmitText:
        return [ConstantText(piece.text, piece.site)]
    assert isinstance(piece, ops.EmitValue)
    op, escape, site = piece.value, piece.escape, piece.site
    finished = piece.finished or not rules.finalized
    if finished and not rules.native:
        if type(op) is ops.Const and escape is not None:
            return [ConstantText(str(rules.escape(op.value)) if escape else str(op.value), site)]
        if type(op) is ops.Concat and escape is not None:
            # To join and then escape is the same as to escape each operand.
            return [_joined(operand, escape, site, rules) for operand in op.items]
        if type(op) is ops.Call:
            call = _direct_call(op, site, rules)
            if call is not None:
                return [call]
    return [OutputValue(op, escape, finished, False, site)]


def starts_chunk(is_value: bool, values: int, has_text: bool) -> bool:
    """Whether a piece begins a new chunk where the output of a template is streamed.

    The output before a value is handed out before the value is evaluated, which may take long. A blank text never
    begins a chunk.

    is_value: whether the piece is a value.
    values: the number of values in the current chunk.
    has_text: whether the current chunk has a text that is not blank.
    """
    return values > 0 or (is_value and has_text)


def _joined(op: ops.Op, escape: bool, site: int, rules: OutputRules) -> OutputPart:
    """One operand of ``~``."""
    if type(op) is ops.Const:
        text = str(op.value)
        return ConstantText(str(rules.escape(text)) if escape else text, site)
    return OutputValue(op, escape, True, True, site)


def _direct_call(op: ops.Call, site: int, rules: OutputRules) -> MacroCall | SuperCall | None:
    if rules.direct_macros and type(op.func) is ops.Load:
        macro = known_macro(op.func.slot)
        operands = None if macro is None else direct_operands(macro, op)
        if macro is not None and operands is not None:
            return MacroCall(op, macro, operands, site)
    block = known_super(op) if rules.direct_supers else None
    return None if block is None else SuperCall(op, block, site)
