"""Mistakes that are visible in a template's program: names that are not defined where they are used.

Rule: a use is reported if it would fail whenever its line runs. A use that the template itself guards is not
reported: ``x is defined``, ``x|default(…)``, and everything in an ``if`` whose test checks the name (also
``'f' is filter``).
"""

import difflib
from collections.abc import Collection, Iterator
from typing import Any

from tmplmon.cli.problems import Problem
from tmplmon.cli.project import Project, Unit
from tmplmon.ir import ops
from tmplmon.ir.walk import children, scopes, walk
from tmplmon.monitoring.lines import character_column
from tmplmon.runtime.undefined import HABITS

# Tests and filters that accept an undefined value.
_GUARDING_TESTS = ("defined", "undefined")
_GUARDING_FILTERS = ("default", "d")

# A name whose existence a test checks: ("name", "filter" or "test"; the name).
type _Guard = tuple[str, str]


def unknown_calls(unit: Unit, filters: Collection[str], tests: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each filter or test that does not exist."""
    tables = {ops.Filter: ("filter", filters), ops.Test: ("test", tests)}
    for scope, node, guards in _guarded_ops(unit):
        if type(node) not in tables:
            continue
        kind, known = tables[type(node)]
        if node.name not in known and (kind, node.name) not in guards:
            message = f"there is no {kind} named {node.name!r}"
            yield problem_at(
                unit, scope, node.site, message, f"unknown-{kind}", _suggestion(node.name, known)
            )


def undefined_names(unit: Unit, known: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each variable that neither the template nor `known` defines."""
    for scope, node, guards in _guarded_ops(unit):
        if type(node) is not ops.Load or node.slot.kind is not ops.SlotKind.CONTEXT:
            continue
        name = node.slot.name
        # A variable that is set on one path and undefined on another may be intended.
        if name in known or node.slot.assigned or ("name", name) in guards:
            continue
        hint = HABITS.get(name) or _suggestion(name, known)
        yield problem_at(unit, scope, node.site, f"nothing defines {name!r}", "undefined-name", hint)


def missing_templates(unit: Unit, project: Project) -> Iterator[Problem]:
    """Yield a problem for each included, imported or extended template that does not exist."""
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
                _suggestion(names[0], [name for name, unit in project.units.items() if unit])
                if names
                else None
            )
            site = reference.op.template.site  # type: ignore[union-attr]
            message = f"there is no template {shown}"
            yield problem_at(unit, reference.scope, site, message, "missing-template", hint)


def missing_imports(unit: Unit, project: Project) -> Iterator[Problem]:
    """Yield a problem for each name that an imported template does not export, in ``from … import`` or as an
    attribute of the imported module."""
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
                hint = _suggestion(name, exports)
                yield problem_at(unit, reference.scope, op.site, message, "missing-import", hint)
        if op.target is not None and op.target.assigned <= 1:
            modules[op.target] = target, exports
    for scope, node, guards in _guarded_ops(unit):
        if type(node) is not ops.Attr or type(node.obj) is not ops.Load or node.obj.slot not in modules:
            continue
        target, exports = modules[node.obj.slot]
        if node.name not in exports and ("name", node.obj.slot.name) not in guards:
            message = f"{target!r} has no macro or variable {node.name!r}"
            hint = _suggestion(node.name, exports)
            yield problem_at(unit, scope, node.site, message, "missing-import", hint)


def _guarded_ops(unit: Unit) -> Iterator[tuple[ops.Scope, Any, frozenset[_Guard]]]:
    """Yield every op of a template with its scope and the guards that apply to it."""
    assert unit.facts is not None
    program = unit.facts.program
    no_guards: frozenset[_Guard] = frozenset()
    # Scope → the guards around it. `scopes` yields a scope after the one that creates or calls it.
    outer_guards: dict[ops.Scope, frozenset[_Guard]] = {}
    for scope in scopes(program):
        guards = outer_guards.get(scope, no_guards)
        roots = [default for _, default in scope.parameters if default is not None] + scope.body
        pending: list[tuple[Any, frozenset[_Guard]]] = [(node, guards) for node in reversed(roots)]
        while pending:
            node, guards = pending.pop()
            yield scope, node, guards
            if type(node) is ops.MakeMacro:
                outer_guards[node.scope] = guards
            elif type(node) is ops.CallBlock:
                outer_guards[program.blocks[node.name]] = guards
            guards = guards.union(_guards_of(node))
            pending += [(child, guards) for child in reversed(children(node))]


def _guards_of(node: Any) -> set[_Guard]:
    """The guards that an op establishes for its operands and body."""
    if type(node) is ops.If:
        return {guard for test, _, _ in node.branches for guard in _guards_in(test)}
    if type(node) is ops.Conditional:
        return set(_guards_in(node.test))
    if type(node) is ops.Logical:
        return set(_guards_in(node.left))
    guards = (type(node) is ops.Test and node.name in _GUARDING_TESTS) or (
        type(node) is ops.Filter and node.name in _GUARDING_FILTERS
    )
    return {("name", node.value.slot.name)} if guards and type(node.value) is ops.Load else set()


def _guards_in(test: Any) -> Iterator[_Guard]:
    """The names that a condition checks, anywhere in it."""
    for node in walk([test]):
        if type(node) is not ops.Test:
            continue
        if node.name in _GUARDING_TESTS and type(node.value) is ops.Load:
            yield "name", node.value.slot.name
        elif node.name in ("filter", "test") and type(node.value) is ops.Const:
            yield node.name, str(node.value.value)


def problem_at(
    unit: Unit, scope: ops.Scope, site: int, message: str, code: str, hint: str | None = None
) -> Problem:
    """Make a problem for a site of a template."""
    assert unit.source is not None
    line, end_line, column, end_column = scope.positions[site]
    text = unit.source.line_text(line)
    end = (character_column(text, end_column) if end_line == line else len(text)) + 1
    return Problem(message, unit.path, line, character_column(text, column) + 1, end, text, hint, code)


def _suggestion(name: str, known: Collection[str]) -> str | None:
    matches = difflib.get_close_matches(name, list(known), 1, cutoff=0.7)
    return f"did you mean {matches[0]!r}?" if matches else None
