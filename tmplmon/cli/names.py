"""The mistakes that a template's program shows: names that mean nothing where they stand.

Rule: report what is wrong whenever the line runs. A use that the template itself guards is left alone:
``x is defined``, ``x|default(…)``, and what stands in an ``if`` whose test asks for it (also ``'f' is filter``).
"""

import difflib
from collections.abc import Collection, Iterator
from typing import Any

from tmplmon.cli.problems import Problem
from tmplmon.cli.project import Project, Unit
from tmplmon.ir import ops
from tmplmon.ir.walk import children, scopes, walk
from tmplmon.monitoring.lines import character_column

# Tests and filters that say what to do with an undefined value.
_ASKING_TESTS = ("defined", "undefined")
_ASKING_FILTERS = ("default", "d")

# What is asked for by a test: ("name", "filter" or "test", what it is called).
type _Guard = tuple[str, str]


def unknown_calls(unit: Unit, filters: Collection[str], tests: Collection[str]) -> Iterator[Problem]:
    """Filters and tests that there are not."""
    tables = {ops.Filter: ("filter", filters), ops.Test: ("test", tests)}
    for scope, node, guards in _guarded(unit):
        if type(node) not in tables:
            continue
        what, known = tables[type(node)]
        if node.name not in known and (what, node.name) not in guards:
            message = f"there is no {what} named {node.name!r}"
            yield problem(unit, scope, node.site, message, f"unknown-{what}", _closest(node.name, known))


def undefined_names(unit: Unit, known: Collection[str]) -> Iterator[Problem]:
    """Variables that nothing defines: not the template, and not among `known`."""
    for scope, node, guards in _guarded(unit):
        if type(node) is not ops.Load or node.slot.kind is not ops.SlotKind.CONTEXT:
            continue
        name = node.slot.name
        # A variable that the template sets on one path is undefined on another only; that may be meant.
        if name in known or node.slot.assigned or ("name", name) in guards:
            continue
        hint = _closest(name, known)
        yield problem(unit, scope, node.site, f"nothing defines {name!r}", "undefined-name", hint)


def missing_templates(unit: Unit, project: Project) -> Iterator[Problem]:
    """Templates that are to be included, imported or extended, but are not there."""
    assert unit.facts is not None
    for reference in unit.facts.references:
        if reference.ignores_missing:
            continue
        for names in reference.choices:
            if names and any(project.unit(name) is not None for name in names):
                continue
            shown = (
                repr(names[0]) if len(names) == 1 else f"any of {', '.join(map(repr, names)) or 'no names'}"
            )
            hint = (
                _closest(names[0], [name for name, found in project.units.items() if found])
                if names
                else None
            )
            site = reference.op.template.site  # type: ignore[union-attr]
            message = f"there is no template {shown}"
            yield problem(unit, reference.scope, site, message, "missing-template", hint)


def missing_imports(unit: Unit, project: Project) -> Iterator[Problem]:
    """Names that an imported template does not have: in ``from … import``, and as an attribute of the module."""
    assert unit.facts is not None
    modules: dict[ops.Slot, tuple[str, set[str]]] = {}
    for reference in unit.facts.references:
        op = reference.op
        if not isinstance(op, ops.Import) or reference.dynamic or len(reference.targets) != 1:
            continue
        (target,) = reference.targets
        exports = project.exports(target)
        if exports is None:
            continue
        for name, _ in op.names or ():
            if name not in exports:
                message = f"{target!r} has no macro or variable {name!r}"
                hint = _closest(name, exports)
                yield problem(unit, reference.scope, op.site, message, "missing-import", hint)
        if op.target is not None and op.target.assigned <= 1:
            modules[op.target] = target, exports
    for scope, node, guards in _guarded(unit):
        if type(node) is not ops.Attr or type(node.obj) is not ops.Load or node.obj.slot not in modules:
            continue
        target, exports = modules[node.obj.slot]
        if node.name not in exports and ("name", node.obj.slot.name) not in guards:
            message = f"{target!r} has no macro or variable {node.name!r}"
            yield problem(unit, scope, node.site, message, "missing-import", _closest(node.name, exports))


def _guarded(unit: Unit) -> Iterator[tuple[ops.Scope, Any, frozenset[_Guard]]]:
    """Every op of a template with its scope and what the tests around it ask for."""
    assert unit.facts is not None
    program = unit.facts.program
    nothing: frozenset[_Guard] = frozenset()
    # What is asked for around a scope: a scope comes after the one that makes or calls it.
    around: dict[ops.Scope, frozenset[_Guard]] = {}
    for scope in scopes(program):
        guards = around.get(scope, nothing)
        roots = [default for _, default in scope.parameters if default is not None] + scope.body
        pending: list[tuple[Any, frozenset[_Guard]]] = [(node, guards) for node in reversed(roots)]
        while pending:
            node, guards = pending.pop()
            yield scope, node, guards
            if type(node) is ops.MakeMacro:
                around[node.scope] = guards
            elif type(node) is ops.CallBlock:
                around[program.blocks[node.name]] = guards
            guards = guards.union(_asked_by(node))
            pending += [(child, guards) for child in reversed(children(node))]


def _asked_by(node: Any) -> set[_Guard]:
    """What an op asks for before what is in it runs."""
    if type(node) is ops.If:
        return {guard for test, _, _ in node.branches for guard in _asked(test)}
    if type(node) is ops.Conditional:
        return set(_asked(node.test))
    if type(node) is ops.Logical:
        return set(_asked(node.left))
    asks = (type(node) is ops.Test and node.name in _ASKING_TESTS) or (
        type(node) is ops.Filter and node.name in _ASKING_FILTERS
    )
    return {("name", node.value.slot.name)} if asks and type(node.value) is ops.Load else set()


def _asked(test: Any) -> Iterator[_Guard]:
    """What a test asks for, somewhere in it."""
    for node in walk([test]):
        if type(node) is not ops.Test:
            continue
        if node.name in _ASKING_TESTS and type(node.value) is ops.Load:
            yield "name", node.value.slot.name
        elif node.name in ("filter", "test") and type(node.value) is ops.Const:
            yield node.name, str(node.value.value)


def problem(unit: Unit, scope: ops.Scope, site: int, message: str, code: str, hint: str | None) -> Problem:
    """A problem at a site of a template."""
    assert unit.source is not None
    line, end_line, column, end_column = scope.positions[site]
    text = unit.source.line_text(line)
    end = (character_column(text, end_column) if end_line == line else len(text)) + 1
    return Problem(message, unit.path, line, character_column(text, column) + 1, end, text, hint, code)


def _closest(name: str, known: Collection[str]) -> str | None:
    found = difflib.get_close_matches(name, list(known), 1, cutoff=0.7)
    return f"did you mean {found[0]!r}?" if found else None
