"""Statements that run other code: blocks, the parent template, includes and imports.

What they run is entered as any scope is, by its function `code(context, output)`; it may be of another template,
another environment, another back end. A static include is the exception: in a tree that signals, the included
template's tree runs as a part of this scope (`sites`).
"""

from collections.abc import Callable
from typing import Any

from tmplmon.backends.closures import resumable_statements
from tmplmon.backends.closures.core import Builder, Closure, suspends
from tmplmon.backends.closures.frame import CONTEXT, FIRST, OUTPUT, PARENT, SIGNAL, Frame
from tmplmon.backends.closures.parts import combined
from tmplmon.backends.closures.variables import exporter, locals_of
from tmplmon.ir import ops
from tmplmon.ir.facts import extends_always
from tmplmon.ir.walk import walk
from tmplmon.runtime import support

type Run = Any
"""Runs the code of a template or block in a context, with its output going where a frame's goes."""


def run(f: Frame, owner: Any, context: Any) -> None:
    owner.code(context, f[OUTPUT])


def runner(b: Builder, site: int) -> Callable[[Frame, Any, Any], None]:
    """`run`; in a tree that tells of calls, what runs has this frame among its callers, at a site."""
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

    made: Closure
    if b.constants.is_async or b.yields:
        made = resumable_statements.run_found(b, find, site)
    else:
        start = runner(b, site)

        def block(f: Frame) -> None:
            nonlocal site
            start(f, *find(f))

        made = block
    made = b.at_line(site, made)
    return unless_extended(made) if op.unless_extended else made


def run_super(b: Builder, name: str, site: int) -> Closure:
    """Runs the next block up the chain."""
    block = b.constants.blocks[name]

    def find(f: Frame) -> tuple[Any, Any]:
        context = f[CONTEXT]
        return context.blocks.after[block], context

    if b.constants.is_async or b.yields:
        return resumable_statements.run_found(b, find, site)

    start = runner(b, site)

    def super_(f: Frame) -> None:
        nonlocal site
        start(f, *find(f))

    return super_


def extends(b: Builder, op: ops.Extends) -> Closure:
    template, again, site = b.value(op.template), op.again, op.site
    this = b.constants.template
    if suspends(template):
        return b.at_line(op.site, resumable_statements.extends(template, again, this, site))

    def extend(f: Frame) -> None:
        nonlocal site
        if again:
            support.check_not_extended(f[PARENT])
        f[PARENT] = support.extend(f[CONTEXT], template(f), this)

    return b.at_line(op.site, extend)


def finish(b: Builder) -> Closure:
    """The end of a template body that may extend another, which runs the parent."""
    site = max(op.site for op in walk(b.scope.ir.body) if type(op) is ops.Extends)
    runs: Closure
    if b.constants.is_async or b.yields:
        runs = resumable_statements.run_found(b, lambda f: (f[PARENT], f[CONTEXT]), site)
    else:
        start = runner(b, site)

        def parent(f: Frame) -> None:
            nonlocal site
            start(f, f[PARENT], f[CONTEXT])

        runs = parent
    runs = b.at_line(site, runs)
    if extends_always(b.scope.ir):
        return runs
    return if_extended(runs if b.signals is None else b.signals.from_nowhere(runs))


def unless_extended(step: Closure) -> Closure:
    """A statement that is left out when a parent is set."""
    if suspends(step):
        return resumable_statements.unless_extended(step)

    def checked(f: Frame) -> Any:
        return step(f) if f[PARENT] is None else None

    return checked


def if_extended(step: Closure) -> Closure:
    """A statement that is left out when no parent is set."""
    if suspends(step):
        return resumable_statements.if_extended(step)

    def checked(f: Frame) -> None:
        if f[PARENT] is not None:
            step(f)

    return checked


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

    if b.constants.is_async or b.yields:
        return resumable_statements.include(b, name, key, load, context_for, site)

    def included(f: Frame) -> None:
        nonlocal site
        template = None if key is None else f[CONTEXT].loaded.get(key)
        if template is None:
            template = load(f, name(f))
        if template is not None:
            run(f, template, context_for(f, template))

    return included


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

    def bind(f: Frame, found: Any) -> None:
        for name, i in places:
            f[i] = found if name is None else support.imported_name(environment, found, name, place)
        if exports is not None:
            exports(f)

    return b.at_line(op.site, combined(b, [module], bind, op.site))
