"""Statement ops to Python statements; loops are in `loops`."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import OUTPUT, PARENT, YIELD, Function
from tmplmon.backends.bytecode.output import emit, emit_unless_extended, run_at
from tmplmon.backends.bytecode.pyast import APART, NOWHERE, Place
from tmplmon.backends.bytecode.values import locals_of, names, value
from tmplmon.ir import ops
from tmplmon.ir.facts import extends_always


def statements(f: Function, body: Sequence[ops.Op]) -> None:
    left = 0  # where the code ends that can be reached
    position = 0
    while position < len(body):
        end = run_at(f, body, position)
        if end > position:
            emit(f, body[position:end], _begins_at(f, body[end : end + 1]))  # type: ignore[arg-type]
            position = end
            continue
        op = body[position]
        position += 1
        f.begin()
        site = getattr(op, "site", -1)
        if site >= 0:
            f.here = f.at(site)
        if type(op) is ops.Emit:
            emit_unless_extended(f, op, _begins_at(f, body[position : position + 1]))
        else:
            STATEMENTS[type(op)](f, op)
        if type(op) is ops.Jump and not left:
            left = len(f.body)
    if left:
        del f.body[left:]


def _begins_at(f: Function, body: Sequence[ops.Op]) -> Place:
    """The place that a statement begins at, where it is certain which line is reached first."""
    for op in body:
        if isinstance(op, ops.For | ops.Include):
            return f.at(op.site)
        if isinstance(op, ops.If):
            return f.at(op.branches[0][2])
    return NOWHERE


def block_of(f: Function, body: Sequence[ops.Op], entered: Place) -> list[ast.stmt]:
    """The statements of a body of their own. `entered` is the place of what leads there."""
    with f.into([], entered) as made:
        statements(f, body)
    return made


# --- assignment --------------------------------------------------------------------------------------------


def target(f: Function, to: ops.Target, at: Place, after: list[ast.stmt]) -> ast.expr:
    """The target of an assignment. What needs more than a name is done `after` it."""
    if isinstance(to, ops.Slot):
        return pyast.target(f.name(to), at)
    if isinstance(to, tuple):
        return pyast.tuple_target([target(f, part, at, after) for part in to], at)
    held = f.temp()
    place = f.at(to.site)
    key = pyast.const(to.attr, place)
    arguments = [pyast.name(f.name(to.slot), place), key, pyast.name(held, place)]
    after.append(pyast.evaluate(pyast.call(f.runtime("set_attribute", place), arguments, place), place))
    return pyast.target(held, at)


def assign(f: Function, op: ops.Assign) -> None:
    at = f.at(op.site)
    after: list[ast.stmt] = []
    _check_namespaces(f, op.target)
    made = value(f, op.value)
    if isinstance(op.value, ops.Load) and op.value.slot.kind is ops.SlotKind.TEMP:
        at = f.quiet  # Captured text: the tag has been reached already.
        made = pyast.name(f.name(op.value.slot), at)
    f.body.append(pyast.assign(target(f, op.target, at, after), made, at))
    f.body += after
    note_types(f, op.target)
    export(f, op.export, at)


def _check_namespaces(f: Function, to: ops.Target) -> None:
    """That an attribute is set of a namespace is checked before the value is evaluated, as Jinja2 does."""
    if isinstance(to, tuple):
        for part in to:
            _check_namespaces(f, part)
    elif isinstance(to, ops.NamespaceTarget):
        at = f.at(to.site)
        checked = pyast.call(f.runtime("check_namespace", at), [pyast.name(f.name(to.slot), at)], at)
        f.body.append(pyast.evaluate(checked, at))


def note_types(f: Function, to: ops.Target) -> None:
    """After an assignment: notes of variables whose attributes are read often whether they hold a dict."""
    if isinstance(to, tuple):
        for part in to:
            note_types(f, part)
    elif isinstance(to, ops.Slot):
        f.compiler.note_type(f, to)


def export(f: Function, slots: list[ops.Slot], at: Place, exported: bool = True) -> None:
    """Makes variables known to the context, and to templates that import this one if they are `exported`."""
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
                f.reach(at)  # Python's compiler decides it.
            made = block_of(f, yes, at) or [pyast.pass_(at)]
            orelse: list[ast.stmt] = []
            body.append(pyast.if_(condition, made, orelse, at))
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


def copied(f: Function, held: ast.expr, at: Place) -> ast.expr:
    """A value that is held in a variable of the template, in one that the template cannot assign."""
    if not isinstance(held, ast.Name) or held.id.startswith("."):
        return held
    temp = f.temp()
    f.set(temp, held, at)
    return pyast.name(temp, at)


def enter(f: Function, op: ops.Enter) -> None:
    at = f.at(op.site)
    f.reach(at)
    given = [copied(f, bound, at) for bound in names(f, [bound for _, bound in op.bindings], at)]
    start = f.enter(op.frame)
    start()
    for (to, _), bound in zip(op.bindings, given, strict=True):
        after: list[ast.stmt] = []
        f.body.append(pyast.assign(target(f, to, at, after), bound, at))
        f.body += after
        note_types(f, to)
    if op.autoescape is not None:
        _autoescaped(f, op, at)
    else:
        statements(f, op.body)
    f.leave()


def _autoescaped(f: Function, op: ops.Enter, at: Place) -> None:
    assert op.autoescape is not None
    saved = f.keep("eval")

    def context_attribute(place: Place) -> ast.expr:
        return pyast.attribute_target(f.context(place), "eval_ctx", place)

    def restore(at: Place) -> None:
        f.body.append(pyast.assign(context_attribute(at), pyast.name(saved, at), at))

    def leave(_: set[str]) -> None:
        restore(f.quiet)

    wanted = value(f, op.autoescape)
    arguments = [f.constant("environment", None, at), wanted]
    f.set(saved, pyast.attribute(f.context(at), "eval_ctx", at), at)
    made = pyast.call(f.runtime("eval_context", at), arguments, at)
    f.body.append(pyast.assign(context_attribute(at), made, at))
    f.exits.append(leave)
    statements(f, op.body)
    f.exits.pop()
    # What follows in a generator may be a blank text.
    if f.sink != YIELD or f.quiet is not NOWHERE or not f.at_each_end(restore):
        leave(set())


# --- captured output and macros ----------------------------------------------------------------------------


def capture(f: Function, op: ops.Capture) -> None:
    at = f.at(op.site)
    pieces = f.keep("pieces")
    f.set(pieces, pyast.sequence(ast.List, [], at), at)
    start = f.enter(op.frame)
    start()
    with f.output_to(pieces):
        statements(f, op.body)
    f.leave()
    at = f.quiet
    f.set(f.name(op.slot), joined(f, pyast.name(pieces, at), op.autoescape, at), at)


def joined(f: Function, pieces: ast.expr, autoescape: bool | None, at: Place) -> ast.expr:
    """The text of a list of pieces, as Markup where that is asked for."""
    if autoescape is None:
        return pyast.call(f.runtime("captured", at), [f.context(at), pieces], at)
    if f.compiler.target.native or f.compiler.target.traced:
        concat = pyast.attribute(f.constant("environment", None, at), "concat", at)
        text = pyast.call(concat, [pieces], at)
        return pyast.call(f.runtime("mark_text", at), [text], at) if autoescape else text
    text = pyast.call(f.runtime("join_pieces", at), [pieces], at)
    return pyast.call(f.runtime("mark", at), [text], at) if autoescape else text


def make_macro(f: Function, op: ops.MakeMacro) -> None:
    at = f.at(op.site)
    scope = op.scope
    compiler = f.compiler
    code = f.keep("code")
    compiler.labels[code] = scope.label, scope.position[0]
    compiler.macro_codes[op] = code
    compiler.pure = False  # It looks its names up when it is called.
    f.body.append(macro_function(f, scope, code))
    flags = [pyast.const(flag is not None, at) for flag in (scope.kwargs, scope.varargs, scope.caller)]
    name = None if scope.kind is ops.ScopeKind.CALL else scope.name
    arguments = pyast.const(tuple(slot.name for slot, _ in scope.parameters), at)
    macro = pyast.call(
        f.runtime("Macro", at),
        [
            f.constant("environment", None, at),
            pyast.name(code, at),
            pyast.const(name, at),
            arguments,
            *flags,
        ],
        at,
    )
    f.set(f.name(op.slot), macro, at)
    export(f, op.export, at)


def macro_function(f: Function, scope: ops.Scope, code: str) -> ast.stmt:
    """The function of a macro or call body: `code(output, *slots)`."""
    inner = Function(f.compiler, scope, OUTPUT)
    extra = [slot for slot in (scope.caller, scope.kwargs, scope.varargs) if slot is not None]
    slots = [*(slot for slot, _ in scope.parameters), *extra]
    inner.prologue()

    def is_absent(slot: ops.Slot) -> ast.expr:
        parameter = pyast.name(inner.name(slot), APART)
        return pyast.compare(parameter, [ast.Is()], [inner.runtime("missing", APART)], APART)

    for slot, argument in scope.arguments.items():
        undefined = inner.constant("undefined", slot.name, APART)
        passed = pyast.name(inner.name(slot), APART)
        inner.set(inner.name(argument), pyast.if_expr(is_absent(slot), undefined, passed, APART), APART)
    for slot, default in scope.parameters:
        with inner.into([]) as given:
            inner.begin()
            if default is None:
                hint = f"parameter {slot.name!r} was not provided"
                made: ast.expr = inner.constant("absent", (slot.name, hint), APART)
            else:
                made = value(inner, default)
            inner.set(inner.name(slot), made, APART)
        inner.body.append(pyast.if_(is_absent(slot), given, [], APART))
    for slot in slots:
        inner.compiler.note_type(inner, slot)
    statements(inner, scope.body)
    parameters = [OUTPUT, *(inner.name(slot) for slot in slots)]
    return pyast.function(code, parameters, inner.whole(), asynchronous=f.compiler.target.is_async)


# --- blocks and other templates ----------------------------------------------------------------------------


def unless_extended(f: Function, made: list[ast.stmt], dropped: bool) -> None:
    if dropped:
        at = f.apart
        is_none = pyast.compare(pyast.name(PARENT, at), [ast.Is()], [pyast.const(None, at)], at)
        made = [pyast.if_(is_none, made, [], at)]
    f.body += made


def call_block(f: Function, op: ops.CallBlock) -> None:
    at = f.at(op.site)
    with f.into([], f.quiet) as made:
        context: ast.expr = f.context(at)
        chains = pyast.attribute(context, "blocks", at)
        chain = pyast.subscript(chains, pyast.const(op.name, at), at)
        if op.required:
            arguments = [f.context(at), pyast.const(op.name, at)]
            f.body.append(pyast.evaluate(pyast.call(f.runtime("check_required", at), arguments, at), at))
        if op.scoped:
            derived = pyast.attribute(context, "derived", at)
            context = pyast.call(derived, [locals_of(f, op.locals, at)], at)
        f.run(pyast.subscript(chain, pyast.const(0, at), at), context, at)
    unless_extended(f, made, op.unless_extended)


def extends(f: Function, op: ops.Extends) -> None:
    at = f.at(op.site)
    if op.again:
        arguments: list[ast.expr] = [pyast.name(PARENT, at)]
        f.body.append(pyast.evaluate(pyast.call(f.runtime("check_not_extended", at), arguments, at), at))
    arguments = [f.context(at), value(f, op.template), f.constant("self", None, at)]
    f.extends_at = at
    f.set(PARENT, pyast.call(f.runtime("extend", at), arguments, at), at)


def site_key(f: Function, kind: str, at: Place) -> ast.expr:
    number = f.compiler.next_number()
    return f.constant("site", (kind, number), at)


def include(f: Function, op: ops.Include) -> None:
    at = f.at(op.site)
    constant = isinstance(op.template, ops.Const) and type(op.template.value) is str
    # In a loop the template is found in the first round.
    found = f.kept_in_loop("include") if constant else None
    in_loop = found is not None
    found = found or f.temp()
    arguments: list[ast.expr] = [f.context(at), value(f, op.template)]
    if constant:
        # The template of a constant name is found once in a rendering.
        key = site_key(f, "include", at)
        loaded = pyast.attribute(f.context(at), "loaded", at)
        kept = pyast.call(pyast.attribute(loaded, "get", at), [key], at)
        arguments.append(key)
    else:
        kept = None
        arguments.append(pyast.const(None, at))
    arguments += [f.constant("self", None, at), pyast.const(op.ignore_missing, at)]
    load = pyast.call(f.runtime("included", at), arguments, at)
    ways: list[ast.expr] = [pyast.name(found, at)] if in_loop else []
    ways += [load] if kept is None else [kept, load]
    f.set(found, ways[0] if len(ways) == 1 else pyast.logical(ast.Or(), ways, at), at)

    template = pyast.name(found, at)
    with f.into([]) as made:
        context: ast.expr
        if not op.with_context:
            make = pyast.attribute(template, "new_context", at)
            context = pyast.call(make, [], at)
            loaded = pyast.attribute(f.context(at), "loaded", at)
            context = pyast.call(f.runtime("sharing_loaded", at), [context, loaded], at)
        else:
            variables = pyast.const(None, at) if not op.locals else locals_of(f, op.locals, at)
            if kept is not None:
                if op.locals:
                    variables = f.named(variables, at)
                passed = [variables] if op.locals else []
                with f.into([]) as directly:
                    f.run(template, f.context(at), at, *passed)
            context = pyast.call(f.runtime("included_context", at), [f.context(at), template, variables], at)
        if op.with_context and kept is not None:
            with f.into([]) as apart:
                f.run(template, context, at)
            f.body.append(pyast.if_(pyast.attribute(template, "pure", at), directly, apart, at))
        else:
            f.run(template, context, at)
    if op.ignore_missing:
        there = pyast.compare(template, [ast.IsNot()], [pyast.const(None, at)], at)
        made = [pyast.if_(there, made, [], at)]
    f.body += made


def import_(f: Function, op: ops.Import) -> None:
    at = f.at(op.site)
    variables = pyast.const(None, at) if not op.with_context else locals_of(f, op.locals, at)
    arguments = [f.context(at), value(f, op.template), f.constant("self", None, at), variables]
    module: ast.expr = pyast.call(f.runtime("imported", at), arguments, at)
    module = f.awaited(module, at)
    if op.names is None:
        assert op.target is not None
        f.set(f.name(op.target), module, at)
    else:
        held = f.temp()
        f.set(held, module, at)
        place = f"line {at['lineno']}"
        if f.compiler.program.name is not None:
            place += f" in {f.compiler.program.name!r}"
        for name, slot in op.names:
            wanted = [
                f.constant("environment", None, at),
                pyast.name(held, at),
                pyast.const(name, at),
                pyast.const(place, at),
            ]
            f.set(f.name(slot), pyast.call(f.runtime("imported_name", at), wanted, at), at)
    export(f, op.export, at, exported=False)


STATEMENTS: dict[type[Any], Callable[[Function, Any], None]] = {
    ops.Assign: assign,
    ops.Evaluate: evaluate,
    ops.If: if_,
    ops.Jump: jump,
    ops.Enter: enter,
    ops.Capture: capture,
    ops.MakeMacro: make_macro,
    ops.CallBlock: call_block,
    ops.Extends: extends,
    ops.Include: include,
    ops.Import: import_,
}


def finish_template(f: Function, scope: ops.Scope) -> None:
    """After a template body that may extend another: the parent runs."""
    at = f.extends_at
    with f.into([]) as made:
        f.run(pyast.name(PARENT, at), f.context(at), at)
    if extends_always(scope):
        f.body += made
        return
    # Each way returns from the line that it has reached, where that is certain: debuggers look at it.
    end = f.apart
    last = f.body[-1] if f.body else None
    if end is APART and isinstance(last, ast.If) and _is_unless_extended(last.test):
        with f.into(last.body):
            f.body.append(pyast.return_(None, f.apart))
    is_set = pyast.compare(pyast.name(PARENT, end), [ast.IsNot()], [pyast.const(None, end)], end)
    # The line of the ``extends`` is reached once more, also where the test is on it.
    made = [pyast.pass_(APART), *made, pyast.return_(None, at)]
    f.body += [pyast.if_(is_set, made, [], end), pyast.return_(None, end)]


def _is_unless_extended(test: ast.expr) -> bool:
    """Whether a test is for what is dropped where a parent template has been set."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == PARENT


__all__ = ["STATEMENTS", "YIELD", "block_of", "finish_template", "statements"]
