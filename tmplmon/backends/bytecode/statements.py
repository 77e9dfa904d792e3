"""Statement ops to Python statements: assignments, conditions, frames, captured output and macros."""

import ast
from collections.abc import Callable
from typing import Any

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.body import block_of, prologue, statements
from tmplmon.backends.bytecode.function import OUTPUT, YIELD, Function
from tmplmon.backends.bytecode.operands import evaluated_operands, note_type, note_types, value
from tmplmon.backends.bytecode.pyast import APART, NOWHERE, Place
from tmplmon.ir import ops

# --- assignment --------------------------------------------------------------------------------------------


def target(f: Function, to: ops.Target, at: Place, after: list[ast.stmt]) -> ast.expr:
    """The target of an assignment. Statements that have to follow the assignment are appended to `after`."""
    if isinstance(to, ops.Slot):
        return pyast.target(f.name(to), at)
    if isinstance(to, tuple):
        return pyast.tuple_target([target(f, part, at, after) for part in to], at)
    temp = f.temp()
    place = f.at(to.site)
    key = pyast.const(to.attr, place)
    arguments = [pyast.name(f.name(to.slot), place), key, pyast.name(temp, place)]
    after.append(pyast.evaluate(pyast.call(f.runtime("set_attribute", place), arguments, place), place))
    return pyast.target(temp, at)


def assign(f: Function, op: ops.Assign) -> None:
    at = f.at(op.site)
    after: list[ast.stmt] = []
    _check_namespaces(f, op.target)
    assigned = value(f, op.value)
    if isinstance(op.value, ops.Load) and op.value.slot.kind is ops.SlotKind.TEMP:
        at = f.quiet  # Captured text: the line of the tag has been reached already.
        assigned = pyast.name(f.name(op.value.slot), at)
    f.body.append(pyast.assign(target(f, op.target, at, after), assigned, at))
    f.body += after
    note_types(f, op.target)
    export(f, op.export, at)


def _check_namespaces(f: Function, to: ops.Target) -> None:
    """Check that attributes are set on namespaces only, before the value is evaluated, as in Jinja2."""
    if isinstance(to, tuple):
        for part in to:
            _check_namespaces(f, part)
    elif isinstance(to, ops.NamespaceTarget):
        at = f.at(to.site)
        check = pyast.call(f.runtime("check_namespace", at), [pyast.name(f.name(to.slot), at)], at)
        f.body.append(pyast.evaluate(check, at))


def export(f: Function, slots: list[ops.Slot], at: Place, exported: bool = True) -> None:
    """Set variables in the context. With `exported`, templates that import this one see them, too."""
    for slot in slots:
        set_ = pyast.attribute(f.context(at), "set", at)
        arguments: list[ast.expr] = [pyast.const(slot.name, at), pyast.name(f.name(slot), at)]
        if not exported:
            arguments.append(pyast.const(False, at))
        f.body.append(pyast.evaluate(pyast.call(set_, arguments, at), at))


def evaluate(f: Function, op: ops.Evaluate) -> None:
    f.body.append(pyast.evaluate(value(f, op.value), f.at(op.site)))


# --- control flow ------------------------------------------------------------------------------------------


def if_(f: Function, op: ops.If) -> None:
    body = f.body
    at = NOWHERE
    for test, yes, site in op.branches:
        at = f.at(site)
        with f.into(body):
            f.begin()
            f.here = at
            condition = value(f, test)
            if isinstance(condition, ast.Constant):
                f.reach(at)  # Python's compiler removes the test.
            block = block_of(f, yes, at) or [pyast.pass_(at)]
            orelse: list[ast.stmt] = []
            body.append(pyast.if_(condition, block, orelse, at))
        body = orelse
    body += block_of(f, op.orelse, at)


def jump(f: Function, op: ops.Jump) -> None:
    at = f.at(op.site)
    f.reach(at)
    for leave in reversed(f.exits):
        if leave is None:
            break
        leave(set())
    f.body.append(pyast.break_(at) if op.kind == "break" else pyast.continue_(at))


# --- frames ------------------------------------------------------------------------------------------------


def enter(f: Function, op: ops.Enter) -> None:
    at = f.at(op.site)
    f.reach(at)
    values = [_copied(f, bound, at) for bound in evaluated_operands(f, [bound for _, bound in op.bindings])]
    start = f.enter(op.frame)
    start()
    for (to, _), bound in zip(op.bindings, values, strict=True):
        after: list[ast.stmt] = []
        f.body.append(pyast.assign(target(f, to, at, after), bound, at))
        f.body += after
        note_types(f, to)
    if op.autoescape is not None:
        _autoescaped(f, op, at)
    else:
        statements(f, op.body)
    f.leave()


def _copied(f: Function, expression: ast.expr, at: Place) -> ast.expr:
    """The expression, or a temporary with its value if it is a variable that the template can assign."""
    if not isinstance(expression, ast.Name) or expression.id.startswith("."):
        return expression
    temp = f.temp()
    f.set(temp, expression, at)
    return pyast.name(temp, at)


def _autoescaped(f: Function, op: ops.Enter, at: Place) -> None:
    assert op.autoescape is not None
    saved = f.keep("eval")

    def context_attribute(place: Place) -> ast.expr:
        return pyast.attribute_target(f.context(place), "eval_ctx", place)

    def restore(at: Place) -> None:
        f.body.append(pyast.assign(context_attribute(at), pyast.name(saved, at), at))

    def leave(_: set[str]) -> None:
        restore(f.quiet)

    setting = value(f, op.autoescape)
    arguments = [f.constant("environment", None, at), setting]
    f.set(saved, pyast.attribute(f.context(at), "eval_ctx", at), at)
    inner = pyast.call(f.runtime("eval_context", at), arguments, at)
    f.body.append(pyast.assign(context_attribute(at), inner, at))
    f.exits.append(leave)
    statements(f, op.body)
    f.exits.pop()
    # In a generator, the code that follows may be a blank text, which is yielded on no line.
    if f.sink != YIELD or f.quiet is not NOWHERE or not f.at_each_end(restore):
        leave(set())


# --- captured output and macros ----------------------------------------------------------------------------


def capture(f: Function, op: ops.Capture) -> None:
    at = begin = f.at(op.site)
    returns = _returns_to(f, f.following, begin)
    chunks = f.keep("pieces")
    f.set(chunks, pyast.sequence(ast.List, [], at), at)
    start = f.enter(op.frame)
    start()
    with f.output_to(chunks):
        statements(f, op.body, begin if returns else NOWHERE)
    f.leave()
    at = f.quiet
    if at is NOWHERE and returns:
        # Without a line of its own, this code would make execution reach the line twice where it has not left it.
        at = begin
    f.set(f.name(op.slot), joined(f, pyast.name(chunks, at), op.autoescape, at), at)


def _returns_to(f: Function, following: ops.Op | None, place: Place) -> bool:
    """Whether a statement that follows a captured block reaches the line that the block begins on: the application
    of its filter. The assignment at the end of a block set reaches no line."""
    first: Any = following
    if isinstance(following, ops.Emit):
        first = following.pieces[0] if following.pieces else None
    value, site = getattr(first, "value", None), getattr(first, "site", -1)
    if site < 0 or (isinstance(first, ops.Assign) and isinstance(value, ops.Load) and value.site == site):
        return False
    return f.at(site)["lineno"] == place["lineno"]


def joined(f: Function, chunks: ast.expr, autoescape: bool | None, at: Place) -> ast.expr:
    """The text of a list of chunks of output, as Markup if output is escaped."""
    if autoescape is None:
        return pyast.call(f.runtime("captured", at), [f.context(at), chunks], at)
    if f.unit.target.native or f.unit.target.traced:
        concat = pyast.attribute(f.constant("environment", None, at), "concat", at)
        text = pyast.call(concat, [chunks], at)
        return pyast.call(f.runtime("mark_text", at), [text], at) if autoescape else text
    text = pyast.call(f.runtime("join_pieces", at), [chunks], at)
    return pyast.call(f.runtime("mark", at), [text], at) if autoescape else text


def make_macro(f: Function, op: ops.MakeMacro) -> None:
    at = f.at(op.site)
    scope = op.scope
    unit = f.unit
    code = f.keep("code")
    unit.labels[code] = scope.label, scope.position[0]
    unit.macro_codes[op] = code
    unit.pure = False  # The macro looks names up in the context when it is called.
    f.define(_macro_function(f, scope, code))
    flags = [pyast.const(slot is not None, at) for slot in (scope.kwargs, scope.varargs, scope.caller)]
    name = None if scope.kind is ops.ScopeKind.CALL else scope.name
    parameters = pyast.const(tuple(slot.name for slot, _ in scope.parameters), at)
    macro_class, environment = f.runtime("Macro", at), f.constant("environment", None, at)
    arguments = [environment, pyast.name(code, at), pyast.const(name, at), parameters, *flags]
    f.set(f.name(op.slot), pyast.call(macro_class, arguments, at), at)
    export(f, op.export, at)


def _macro_function(f: Function, scope: ops.Scope, code: str) -> pyast.Definition:
    """The definition of the function of a macro or call body, `code(output, *slots)`."""
    inner = Function(f.unit, scope, OUTPUT)
    extra = [slot for slot in (scope.caller, scope.kwargs, scope.varargs) if slot is not None]
    slots = [*(slot for slot, _ in scope.parameters), *extra]
    prologue(inner)

    def is_missing(slot: ops.Slot) -> ast.expr:
        parameter = pyast.name(inner.name(slot), APART)
        return pyast.compare(parameter, [ast.Is()], [inner.runtime("missing", APART)], APART)

    for slot, argument in scope.arguments.items():
        undefined = inner.constant("undefined", slot.name, APART)
        passed = pyast.name(inner.name(slot), APART)
        inner.set(inner.name(argument), pyast.if_expr(is_missing(slot), undefined, passed, APART), APART)
    for slot, default in scope.parameters:
        with inner.into([]) as set_default:
            inner.begin()
            if default is None:
                hint = f"parameter {slot.name!r} was not provided"
                default_value: ast.expr = inner.constant("absent", (slot.name, hint), APART)
            else:
                default_value = value(inner, default)
            inner.set(inner.name(slot), default_value, APART)
        inner.body.append(pyast.if_(is_missing(slot), set_default, [], APART))
    for slot in slots:
        note_type(inner, slot)
    statements(inner, scope.body)
    parameters = [OUTPUT, *(inner.name(slot) for slot in slots)]
    return pyast.function(code, parameters, inner.whole(), asynchronous=f.unit.target.is_async)


STATEMENTS: dict[type[Any], Callable[[Function, Any], None]] = {
    ops.Assign: assign,
    ops.Evaluate: evaluate,
    ops.If: if_,
    ops.Jump: jump,
    ops.Enter: enter,
    ops.Capture: capture,
    ops.MakeMacro: make_macro,
}
