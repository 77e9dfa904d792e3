"""Statements that run blocks and other templates: blocks, inheritance, includes and imports."""

import ast
from collections.abc import Callable
from typing import Any

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import PARENT, Function
from tmplmon.backends.bytecode.operands import locals_of, value
from tmplmon.backends.bytecode.pyast import APART, Place
from tmplmon.backends.bytecode.statements import export
from tmplmon.ir import ops
from tmplmon.ir.facts import extends_always


def call_block(f: Function, op: ops.CallBlock) -> None:
    at = f.at(op.site)
    with f.into([], f.quiet) as run_block:
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
    if op.unless_extended:
        at = f.apart
        is_none = pyast.compare(pyast.name(PARENT, at), [ast.Is()], [pyast.const(None, at)], at)
        run_block = [pyast.if_(is_none, run_block, [], at)]
    f.body += run_block


def extends(f: Function, op: ops.Extends) -> None:
    at = f.at(op.site)
    if op.again:
        parent: list[ast.expr] = [pyast.name(PARENT, at)]
        f.body.append(pyast.evaluate(pyast.call(f.runtime("check_not_extended", at), parent, at), at))
    arguments = [f.context(at), value(f, op.template), f.constant("self", None, at)]
    f.extends_at = at
    f.set(PARENT, pyast.call(f.runtime("extend", at), arguments, at), at)


def include(f: Function, op: ops.Include) -> None:
    at = f.at(op.site)
    is_constant = isinstance(op.template, ops.Const) and type(op.template.value) is str
    # In a loop, the template is looked up in the first round only.
    kept = f.kept_in_loop("include") if is_constant else None
    included = kept or f.temp()
    arguments: list[ast.expr] = [f.context(at), value(f, op.template)]
    from_rendering = None
    if is_constant:
        # A template with a constant name is looked up once in a rendering.
        key = f.constant("site", ("include", f.unit.next_number()), at)
        loaded = pyast.attribute(f.context(at), "loaded", at)
        from_rendering = pyast.call(pyast.attribute(loaded, "get", at), [key], at)
        arguments.append(key)
    else:
        arguments.append(pyast.const(None, at))
    arguments += [f.constant("self", None, at), pyast.const(op.ignore_missing, at)]
    look_up = pyast.call(f.runtime("included", at), arguments, at)
    sources: list[ast.expr] = [pyast.name(included, at)] if kept is not None else []
    sources += [look_up] if from_rendering is None else [from_rendering, look_up]
    f.set(included, sources[0] if len(sources) == 1 else pyast.logical(ast.Or(), sources, at), at)

    template = pyast.name(included, at)
    with f.into([]) as run_template:
        _run_included(f, op, template, is_constant, at)
    if op.ignore_missing:
        is_there = pyast.compare(template, [ast.IsNot()], [pyast.const(None, at)], at)
        run_template = [pyast.if_(is_there, run_template, [], at)]
    f.body += run_template


def _run_included(f: Function, op: ops.Include, template: ast.expr, is_constant: bool, at: Place) -> None:
    """Append the statements that run an included template with a context of the right kind."""
    context: ast.expr
    if not op.with_context:
        empty = pyast.call(pyast.attribute(template, "new_context", at), [], at)
        loaded = pyast.attribute(f.context(at), "loaded", at)
        context = pyast.call(f.runtime("sharing_loaded", at), [empty, loaded], at)
        f.run(template, context, at)
        return
    variables = pyast.const(None, at) if not op.locals else locals_of(f, op.locals, at)
    if not is_constant:
        context = pyast.call(f.runtime("included_context", at), [f.context(at), template, variables], at)
        f.run(template, context, at)
        return
    # A pure template runs with the context of this one; others need their own.
    if op.locals:
        variables = f.named(variables, at)
    with f.into([]) as run_pure:
        f.run(template, f.context(at), at, *([variables] if op.locals else []))
    context = pyast.call(f.runtime("included_context", at), [f.context(at), template, variables], at)
    with f.into([]) as run_other:
        f.run(template, context, at)
    f.body.append(pyast.if_(pyast.attribute(template, "pure", at), run_pure, run_other, at))


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
        temp = f.temp()
        f.set(temp, module, at)
        place = f"line {at['lineno']}"
        if f.unit.program.name is not None:
            place += f" in {f.unit.program.name!r}"
        for name, slot in op.names:
            environment = f.constant("environment", None, at)
            arguments = [environment, pyast.name(temp, at), pyast.const(name, at), pyast.const(place, at)]
            f.set(f.name(slot), pyast.call(f.runtime("imported_name", at), arguments, at), at)
    export(f, op.export, at, exported=False)


def finish_template(f: Function, scope: ops.Scope) -> None:
    """Append the end of a template body that may extend another template: it runs the parent."""
    at = f.extends_at
    with f.into([]) as run_parent:
        f.run(pyast.name(PARENT, at), f.context(at), at)
    if extends_always(scope):
        f.body += run_parent
        return
    # Each path returns from the line that it has reached, if that is certain, as debuggers show that line.
    end = f.apart
    last = f.body[-1] if f.body else None
    if end is APART and isinstance(last, ast.If) and _tests_for_parent(last.test):
        with f.into(last.body):
            f.body.append(pyast.return_(None, f.apart))
    is_set = pyast.compare(pyast.name(PARENT, end), [ast.IsNot()], [pyast.const(None, end)], end)
    # The line of the ``extends`` is reached once more, also if the test is on it.
    run_parent = [pyast.pass_(APART), *run_parent, pyast.return_(None, at)]
    f.body += [pyast.if_(is_set, run_parent, [], end), pyast.return_(None, end)]


def _tests_for_parent(test: ast.expr) -> bool:
    """Whether a test decides on output that is dropped when a parent template has been set."""
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == PARENT


STATEMENTS: dict[type[Any], Callable[[Function, Any], None]] = {
    ops.CallBlock: call_block,
    ops.Extends: extends,
    ops.Include: include,
    ops.Import: import_,
}
