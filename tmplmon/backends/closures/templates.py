"""Statements that run other code: blocks, the parent template, includes and imports.

What they run is entered as any scope is, by its function `code(context, output)`; it may be of another template,
another environment, another back end. A static include is the exception: in a tree that signals, the included
template's tree runs as a part of this scope (`sites`).
"""

from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures import awaiting, suspending
from tmplmon.backends.closures.core import Builder, Closure
from tmplmon.backends.closures.definitions import combined
from tmplmon.backends.closures.frame import CONTEXT, FIRST, OUTPUT, PARENT, SIGNAL, Frame
from tmplmon.backends.closures.variables import exporter, locals_of
from tmplmon.ir import ops
from tmplmon.ir.facts import extends_always
from tmplmon.ir.walk import walk
from tmplmon.runtime import support


def run(f: Frame, owner: Any, context: Any) -> None:
    """Run the code of a template or block in a context; its output goes where the frame's output goes."""
    owner.code(context, f[OUTPUT])


def runner(b: Builder, site: int) -> Callable[[Frame, Any, Any], Any]:
    """Return the function that does that in a tree: a generator function if what runs may suspend. In a tree that
    fires CALL, the code that runs has this frame among its callers, at a site."""
    if b.runs_suspending:
        return awaiting.runner(b, site)
    if not b.calls:
        return run
    assert b.signals is not None
    number = b.signals.plan.place[site]

    def run_within(f: Frame, owner: Any, context: Any) -> None:
        f[SIGNAL].within(f[FIRST] + number, owner.code, context, f[OUTPUT])

    return run_within


def call_block(b: Builder, op: ops.CallBlock) -> Closure:

    name, required, site = op.name, op.required, op.site
    seen = locals_of(b, op.locals) if op.scoped else None

    def find(f: Frame) -> tuple[Any, Any]:
        context = f[CONTEXT]
        chain = context.blocks[name]
        if required:
            support.check_required(context, name)
        return chain[0], context if seen is None else context.derived(seen(f))

    closure = b.at_line(site, suspending.run_code(find, runner(b, site), site))
    return suspending.unless_extended(closure) if op.unless_extended else closure


def run_super(b: Builder, name: str, site: int) -> Closure:
    """Runs the next block up the chain."""
    block = b.constants.blocks[name]

    def find(f: Frame) -> tuple[Any, Any]:
        context = f[CONTEXT]
        return context.blocks.after[block], context

    return suspending.run_code(find, runner(b, site), site)


def extends(b: Builder, op: ops.Extends) -> Closure:
    closure = suspending.extends(b.value(op.template), op.again, b.constants.template, op.site)
    return b.at_line(op.site, closure)


def finish(b: Builder) -> Closure:
    """The end of a template body that may extend another, which runs the parent."""
    site = max(op.site for op in walk(b.scope.ir.body) if type(op) is ops.Extends)

    def parent(f: Frame) -> tuple[Any, Any]:
        return f[PARENT], f[CONTEXT]

    closure = b.at_line(site, suspending.run_code(parent, runner(b, site), site))
    if extends_always(b.scope.ir):
        return closure
    return suspending.if_extended(closure if b.signals is None else b.signals.from_nowhere(closure))


def include_operands(
    b: Builder, op: ops.Include
) -> tuple[Closure, object | None, Callable[[Frame, Any], Any]]:
    """The closure of the name; a key under which the template is kept during a rendering, for a constant name; and
    a function that makes the context for the template."""
    key = object() if isinstance(op.template, ops.Const) and type(op.template.value) is str else None
    seen = locals_of(b, op.locals) if op.locals else None
    with_context = op.with_context

    def context_for(f: Frame, template: Any) -> Any:
        context = f[CONTEXT]
        if with_context:
            return support.included_context(context, template, None if seen is None else seen(f))
        return support.sharing_loaded(template.new_context(), context.loaded)

    return b.value(op.template), key, context_for


def include(b: Builder, op: ops.Include) -> Closure:
    """An include in a quiet tree; `inclusions.include` builds those of the others."""
    name, key, context_for = include_operands(b, op)
    site, ignore_missing, this = op.site, op.ignore_missing, b.constants.template

    def load(f: Frame, name: Any) -> Any:
        return support.included(f[CONTEXT], name, key, this, ignore_missing)

    return suspending.include(name, key, load, context_for, runner(b, site), site)


def import_(b: Builder, op: ops.Import) -> Closure:

    this = b.constants.template
    seen = locals_of(b, op.locals) if op.with_context else None
    exports = exporter(b, op.export, exported=False)
    number = b.signals.plan.place[op.site] if b.calls and b.signals is not None else None

    def load(f: Frame, name: Any) -> Any:
        arguments = f[CONTEXT], name, this, None if seen is None else seen(f)
        if number is not None:
            return f[SIGNAL].within(f[FIRST] + number, support.imported, *arguments)
        return support.imported(*arguments)

    module = combined(b, [b.value(op.template)], load, op.site, awaits=True)
    if op.names is None:
        assert op.target is not None
        places: list[tuple[str | None, int]] = [(None, b.index(op.target))]
    else:
        places = [(name, b.index(slot)) for name, slot in op.names]
    line = b.scope.ir.positions[op.site][0]
    name = b.constants.program.name
    place = f"line {line}" if name is None else f"line {line} in {name!r}"
    environment = b.constants.environment

    def bind(f: Frame, module: Any) -> None:
        for name, i in places:
            f[i] = module if name is None else support.imported_name(environment, module, name, place)
        if exports is not None:
            exports(f)

    return b.at_line(op.site, combined(b, [module], bind, op.site))
