"""A set of related templates: loaded, lowered, and connected by their includes, imports and parents.

Rule: each template is loaded once, and its problem is stored with it. The variables that a template sees are
computed over the whole set: an include passes on the variables of the including template, which may have been
passed to that one; templates that extend each other share the names that they set at the top level.
"""

import os
from collections import deque
from dataclasses import dataclass
from typing import Any

from tmplmon import pipeline
from tmplmon.cli.problems import Problem, from_exception, from_syntax_error, shown_path
from tmplmon.cli.references import Facts, facts
from tmplmon.errors import TemplateNotFound, TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.ir.lower import lower
from tmplmon.syntax.source import Source


class AnyName:
    """A container of all names, used as the table of filters and tests: lowering would stop at the first unknown
    one, but `check` reports all of them."""

    def __contains__(self, name: object) -> bool:
        return True


@dataclass(slots=True)
class Unit:
    """A template: its source, and the facts derived from it. `facts` is None if there is a `problem`."""

    name: str
    path: str
    source: Source | None = None
    facts: Facts | None = None
    problem: Problem | None = None


class Project:
    """The templates that an environment finds on one search path."""

    def __init__(self, environment: Any, search: list[str]) -> None:
        self.environment = environment
        self.search = search
        self.units: dict[str, Unit | None] = {}

    def unit(self, name: str) -> Unit | None:
        """Return the template of this name, or None if there is none."""
        if name not in self.units:
            self.units[name] = self._load(name)
        return self.units[name]

    def add_all_referenced(self) -> None:
        """Load the templates that the loaded templates refer to, recursively."""
        pending = deque(name for name in self.units)
        while pending:
            unit = self.units[pending.popleft()]
            if unit is None or unit.facts is None:
                continue
            for reference in unit.facts.references:
                for target in reference.targets:
                    if target not in self.units:
                        self.unit(target)
                        pending.append(target)

    def _load(self, name: str) -> Unit | None:
        try:
            text, filename, _ = self.environment.loader.get_source(self.environment, name)
        except TemplateNotFound:
            return None
        except (OSError, UnicodeDecodeError) as error:
            path = self._path(name)
            message = from_exception(error).message.replace(f"{path} is not", "not", 1)
            return Unit(name, path, problem=Problem(message, path, code="unreadable"))
        unit = Unit(name, shown_path(filename) or name)
        try:
            tree, unit.source = pipeline.parse(self.environment, text, name, filename)
            options = self.environment.lower_options(name)
            options.filters = options.tests = AnyName()
            unit.facts = facts(lower(tree, unit.source, options))
        except TemplateSyntaxError as error:
            unit.problem = from_syntax_error(error)
        except RecursionError:
            unit.problem = Problem("the template is nested too deeply", unit.path, code="syntax")
        return unit

    def _path(self, name: str) -> str:
        """The file for a template name that cannot be read."""
        for place in self.search:
            path = os.path.join(place, *name.split("/"))
            if os.path.lexists(path):
                return shown_path(path) or name
        return name

    # --- what a template sees ------------------------------------------------------------------------------

    def visible(self) -> dict[str, set[str]]:
        """Template name → the names that the template sets, or that other templates pass to it."""
        known = [unit for unit in self.units.values() if unit is not None and unit.facts is not None]
        seen = {unit.name: unit.facts.exports | unit.facts.offers for unit in known if unit.facts is not None}
        changed = True
        while changed:  # terminates: the sets only grow, and there are finitely many names
            changed = False
            for unit in known:
                for target, passed in self._passed_names(unit, seen):
                    if target in seen and not passed <= seen[target]:
                        seen[target] |= passed
                        changed = True
        return seen

    def _passed_names(self, unit: Unit, seen: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
        """Return (template, names passed to it) for the references of `unit`."""
        passed: list[tuple[str, set[str]]] = []
        assert unit.facts is not None
        for reference in unit.facts.references:
            if reference.passed_names is None:
                continue
            targets = list(seen) if reference.dynamic else reference.targets
            passed += [(target, seen[unit.name] | reference.passed_names) for target in targets]
            if isinstance(reference.op, ops.Extends):
                # Names set by the parent are visible in the blocks of this template.
                passed += [(unit.name, seen[target]) for target in reference.targets if target in seen]
        return passed

    def without_context(self) -> set[str]:
        """The templates that are only imported, always without context: they see only globals."""
        isolated: set[str] = set()
        others: set[str] = set()
        for unit in self.units.values():
            if unit is None or unit.facts is None:
                continue
            for reference in unit.facts.references:
                is_isolated = isinstance(reference.op, ops.Import) and reference.passed_names is None
                (isolated if is_isolated else others).update(reference.targets)
                if reference.dynamic and not is_isolated:
                    return set()
        return isolated - others

    def exports(self, name: str) -> set[str] | None:
        """The names that can be imported from a template or its parents; None if unknown."""
        exports: set[str] = set()
        pending, done = [name], set[str]()
        while pending:
            name = pending.pop()
            if name in done:
                continue
            done.add(name)
            unit = self.unit(name)
            if unit is None or unit.facts is None:
                return None
            exports |= unit.facts.exports
            for reference in unit.facts.references:
                if isinstance(reference.op, ops.Extends):
                    if reference.dynamic:
                        return None
                    pending += reference.targets
        return exports
