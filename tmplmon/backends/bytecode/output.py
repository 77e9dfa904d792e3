"""A run of output: values become text one by one, in the template's order, then the whole run is put out at once.

    hello {{ name }}{{ n }}     .1 = escape(name) if type(name) is str else … ; .2 = … ; append(f'hello {.1}{.2}')

Rule: each line of the run that the table promises fires LINE when it is reached: a value's code is on its own
line, a text's is a no-operation, and the piece that comes last has the line of the instructions that put it out.
"""

import ast
from collections.abc import Sequence

from tmplmon.backends.bytecode import builtin, pyast
from tmplmon.backends.bytecode.function import CONTEXT, PARENT, Function
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.backends.bytecode.values import call_arguments, value
from tmplmon.ir import ops
from tmplmon.runtime.html import escape_to_str

# Values in one piece of output. All of a piece are held until it is complete.
_LONGEST = 24

type _Part = str | ast.Name


def emit(f: Function, op: ops.Emit) -> None:
    if not op.unless_extended:
        _Run(f).pieces(op.pieces)
        return
    at = f.quiet
    with f.into([], at) as statements:
        _Run(f).pieces(op.pieces)
    if statements:
        extended = pyast.compare(pyast.name(PARENT, at), [ast.Is()], [pyast.const(None, at)], at)
        f.body.append(pyast.if_(extended, statements, [], at))


class _Run:
    def __init__(self, f: Function) -> None:
        self.f = f
        self.parts: list[_Part] = []
        self.values = 0
        self.place = NOWHERE  # of the last piece that has a line
        self.silent: Place | None = None  # a place whose line no statement has yet

    def pieces(self, pieces: Sequence[ops.EmitText | ops.EmitValue]) -> None:
        self.f.begin()
        for piece in pieces:
            if type(piece) is ops.EmitText:
                self.text(piece)
            else:
                assert isinstance(piece, ops.EmitValue)
                self.value(piece.value, piece.escape, piece.site, piece.finished)
            if self.values >= _LONGEST:
                self.flush()
                self.f.begin()
        self.flush()

    def reach(self, at: Place) -> None:
        """What follows is at this place."""
        silent = self.silent
        if silent is not None and silent["lineno"] != at["lineno"]:
            self.f.reach(silent)
        self.silent = at
        self.place = at

    def add_text(self, text: str) -> None:
        if self.f.compiler.target.native or not (self.parts and type(self.parts[-1]) is str):
            self.parts.append(text)
        else:
            self.parts[-1] += text

    def text(self, piece: ops.EmitText) -> None:
        if piece.site >= 0:
            self.reach(self.f.at(piece.site))
        self.add_text(piece.text)

    def value(self, op: ops.Op, escape: bool | None, site: int, finished: bool = False) -> None:
        f = self.f
        at = f.at(site)
        self.reach(at)
        f.here = at
        target = f.compiler.target
        if (finished or target.finalize is None) and not target.native:
            if type(op) is ops.Const and escape is not None:
                self.add_text(str(escape_to_str(op.value)) if escape else str(op.value))
                return
            if type(op) is ops.Concat and escape is not None:
                # Joining and then escaping gives what escaping each part gives.
                for part in op.items:
                    self.joined(part, escape, at)
                return
            if type(op) is ops.Call and self.direct(op, at):
                return
        before = len(f.body)
        made = self.convert(op, escape, at, finished)
        if made is not None:
            self.parts.append(made)
            self.values += 1
        if len(f.body) > before:
            self.silent = None

    def joined(self, op: ops.Op, escape: bool, at: Place) -> None:
        """One of the values that ``~`` joins."""
        f = self.f
        if type(op) is ops.Const:
            self.add_text(str(escape_to_str(str(op.value))) if escape else str(op.value))
            return
        held = f.named(value(f, op), at)
        other = f.runtime("joined_text", at) if escape else f.python("str", at)
        self.parts.append(self.text_of(held, escape, pyast.call(other, [held], at), at))
        self.values += 1
        self.silent = None

    def text_of(self, held: ast.Name, escape: bool, other: ast.expr, at: Place) -> ast.Name:
        """The text of a value: in place for a str, itself for an int, `other` for the rest."""
        f = self.f
        text: ast.expr = pyast.call(f.runtime("escape_text", at), [held], at) if escape else held
        otherwise = pyast.if_expr(_type_is(f, held, "int", at), held, other, at)
        return self.assigned(pyast.if_expr(_type_is(f, held, "str", at), text, otherwise, at), at)

    def convert(self, op: ops.Op, escape: bool | None, at: Place, finished: bool = False) -> ast.Name | None:
        """The name of a text, or of an int, which has no character to escape."""
        f = self.f
        target = f.compiler.target
        if target.finalize is not None and not finished:
            return self.finalized(op, escape, at)
        if target.native:
            return f.named(value(f, op), at)
        if type(op) is ops.LoopAttr and op.name not in ("first", "last"):
            return f.named(value(f, op), at)
        if type(op) is ops.Filter and _is_stock(f, op):
            if op.name in ("e", "escape") and not op.arguments.values():
                return self.convert(op.value, True, at)
            if op.name == "safe" and escape:
                text = f.named(value(f, op.value), at)
                return self.unless_str(text, pyast.call(f.runtime("html_of", at), [text], at), at)
            if op.name in ("length", "count"):
                return f.named(value(f, op), at)
        if type(op) is ops.Test and op.name in builtin.BOOLEAN_TESTS and f.compiler.target.tests[op.name][1]:
            text = f.named(value(f, op), at)
            f.set(text.id, pyast.call(f.python("str", at), [text], at), at)
            return text
        held = f.named(value(f, op), at)
        if escape is None:
            return self.assigned(pyast.call(f.runtime("emit", at), [pyast.name(CONTEXT, at), held], at), at)
        other = f.runtime("escaped", at) if escape else f.python("str", at)
        return self.text_of(held, escape, pyast.call(other, [held], at), at)

    def assigned(self, made: ast.expr, at: Place) -> ast.Name:
        name = self.f.temp()
        self.f.set(name, made, at)
        return pyast.name(name, at)

    def unless_str(self, held: ast.Name, other: ast.expr, at: Place) -> ast.Name:
        return self.assigned(pyast.if_expr(_type_is(self.f, held, "str", at), held, other, at), at)

    def finalized(self, op: ops.Op, escape: bool | None, at: Place) -> ast.Name:
        """A value that passes through the application's function before it becomes text."""
        f = self.f
        target = f.compiler.target
        assert target.finalize is not None
        wants, *_ = target.finalize
        held: ast.expr = value(f, op)
        constant = type(op) is ops.Const
        if constant and escape:
            # A constant is escaped first, as Jinja2 does it while compiling.
            held = pyast.call(f.runtime("escape", at), [held], at)
        arguments: list[ast.expr] = []
        if wants == "environment":
            arguments = [f.constant("environment", None, at)]
        elif wants == "context":
            arguments = [pyast.name(CONTEXT, at)]
        elif wants == "eval_context":
            arguments = [pyast.attribute(pyast.name(CONTEXT, at), "eval_ctx", at)]
        made = pyast.call(f.constant("finalize", wants, at), [*arguments, held], at)
        result = self.assigned(made, at)
        if target.native:
            return result
        if constant or escape is False:
            return self.assigned(pyast.call(f.python("str", at), [result], at), at)
        if escape is None:
            return self.assigned(
                pyast.call(f.runtime("emit", at), [pyast.name(CONTEXT, at), result], at), at
            )
        return self.assigned(pyast.call(f.runtime("escaped", at), [result], at), at)

    def direct(self, op: ops.Call, at: Place) -> bool:
        """Runs a macro that is known here with its output going where this output goes."""
        f = self.f
        if type(op.func) is not ops.Load or f.compiler.target.is_async or not f.sink:
            return False
        macro = known_macro(op.func.slot)
        if macro is None:
            return False
        slots = macro_slots(macro, op)
        if slots is None:
            return False
        call_at = f.at(op.site)
        self.flush_before(at)
        arguments = ops.Arguments([slot for slot in slots if slot is not None], [])
        _, made, _ = call_arguments(f, [], arguments, call_at)
        values = iter(made)
        passed = [
            f.runtime("missing", call_at) if slot is None else next(values) for slot in slots
        ]
        code = pyast.name(f.compiler.macro_codes[macro], call_at)
        call = pyast.call(code, [pyast.name(f.sink, call_at), *passed], call_at)
        f.body.append(pyast.evaluate(call, call_at))
        self.silent = None
        return True

    def flush_before(self, at: Place) -> None:
        """Puts out what there is so far, before something that puts out by itself at the place reached."""
        if self.parts:
            self.flush(reached=at)

    def flush(self, reached: Place | None = None) -> None:
        f = self.f
        place = self.place if reached is None else reached
        if place is NOWHERE:
            place = f.quiet
        if f.compiler.target.native:
            for part in self.parts:
                f.write(pyast.const(part, place) if type(part) is str else pyast.name(part.id, place), place)
            if self.parts:
                self.silent = None
            elif self.silent is not None:
                f.reach(self.silent)
        elif self.parts and self.parts != [""]:
            f.write(self.text_of_parts(place), place)
            self.silent = None
        elif self.silent is not None:
            f.reach(self.silent)
            self.silent = None
        self.parts = []
        self.values = 0

    def text_of_parts(self, at: Place) -> ast.expr:
        if len(self.parts) == 1 and type(self.parts[0]) is str:
            return pyast.const(self.parts[0], at)
        return pyast.joined(
            [
                pyast.const(part, at) if type(part) is str else pyast.formatted(pyast.name(part.id, at), at)
                for part in self.parts
                if part != ""
            ],
            at,
        )


def _type_is(f: Function, held: ast.expr, python_type: str, at: Place) -> ast.expr:
    kind = pyast.call(f.python("type", at), [held], at)
    return pyast.compare(kind, [ast.Is()], [f.python(python_type, at)], at)


def _is_stock(f: Function, op: ops.Filter) -> bool:
    known = f.compiler.target.filters.get(op.name)
    return known is not None and known[1]


def known_macro(slot: ops.Slot) -> ops.MakeMacro | None:
    """The macro that a variable is certain to hold wherever it is read."""
    if slot.kind is ops.SlotKind.UNSET and slot.assigned == 1 and not slot.initialised:
        return slot.macro
    return None


def macro_slots(macro: ops.MakeMacro, op: ops.Call) -> list[ops.Op | None] | None:
    """The operand for each parameter of a macro, None for one not given; None if the call has to be settled at run
    time. Only calls whose operands come in the order of the parameters: that is the order of evaluation."""
    scope = macro.scope
    arguments = op.arguments
    if not arguments.simple or op.caller is not None:
        return None
    if scope.varargs is not None or scope.kwargs is not None or scope.caller is not None:
        return None
    names = [slot.name for slot, _ in scope.parameters]
    if "caller" in names or len(arguments.args) > len(names):
        return None
    given: dict[str, ops.Op] = dict(zip(names, arguments.args, strict=False))
    for name, operand in arguments.kwargs:
        if name in given or name not in names:
            return None
        given[name] = operand
    in_order = [operand for name in names if (operand := given.get(name)) is not None]
    if in_order != arguments.values():
        return None
    return [given.get(name) for name in names]
