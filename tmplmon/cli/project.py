"""Templates that belong together: loaded, lowered, and connected by what they include, import and extend.

Rule: a template is loaded once, whoever refers to it, and what goes wrong with it is kept beside it. Which
variables a template sees is worked out over the whole: an include hands its variables on, and so does whoever
includes the includer; templates that extend one another share what they set at their top level.
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


class Anything:
    """Knows every filter and test: unknown ones are not the lowering's to report here, as it stops at the first."""

    def __contains__(self, name: object) -> bool:
        return True


@dataclass(slots=True)
class Unit:
    """One template: its source, and what came of it. `facts` is None where `problem` says why."""

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
        """The template of this name, or None if there is none."""
        if name not in self.units:
            self.units[name] = self._load(name)
        return self.units[name]

    def add_all_referenced(self) -> None:
        """Loads what the templates loaded so far refer to, and what that refers to."""
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
            message = from_exception(error, self.search).message.replace(f"{path} is not", "not", 1)
            return Unit(name, path, problem=Problem(message, path, code="unreadable"))
        unit = Unit(name, shown_path(filename) or name)
        try:
            tree, unit.source = pipeline.parse(self.environment, text, name, filename)
            options = self.environment.lower_options(name)
            options.filters = options.tests = Anything()
            unit.facts = facts(lower(tree, unit.source, options))
        except TemplateSyntaxError as error:
            unit.problem = from_syntax_error(error)
        except RecursionError:
            unit.problem = Problem("the template is nested too deeply", unit.path, code="syntax")
        return unit

    def _path(self, name: str) -> str:
        """The file a name stands for when it cannot be read."""
        for place in self.search:
            path = os.path.join(place, *name.split("/"))
            if os.path.lexists(path):
                return shown_path(path) or name
        return name

    # --- what a template sees ------------------------------------------------------------------------------

    def visible(self) -> dict[str, set[str]]:
        """Template's name → the names it may see that other templates give it, or that it sets itself."""
        known = [unit for unit in self.units.values() if unit is not None and unit.facts is not None]
        seen = {unit.name: unit.facts.exports | unit.facts.offers for unit in known if unit.facts is not None}
        changed = True
        while changed:  # sets only grow, by names that are in some template: it ends
            changed = False
            for unit in known:
                for target, given in self._handed_on(unit, seen):
                    if target in seen and not given <= seen[target]:
                        seen[target] |= given
                        changed = True
        return seen

    def _handed_on(self, unit: Unit, seen: dict[str, set[str]]) -> list[tuple[str, set[str]]]:
        """(template, names it gets to see) by what `unit` refers to."""
        found: list[tuple[str, set[str]]] = []
        assert unit.facts is not None
        for reference in unit.facts.references:
            if reference.hands_on is None:
                continue
            targets = list(seen) if reference.dynamic else reference.targets
            found += [(target, seen[unit.name] | reference.hands_on) for target in targets]
            if isinstance(reference.op, ops.Extends):
                # Parents set names too, and the blocks of the templates below them see those.
                found += [(unit.name, seen[target]) for target in reference.targets if target in seen]
        return found

    def without_context(self) -> set[str]:
        """The templates that are only ever imported, never with context: they see no variables but globals."""
        plain: set[str] = set()
        other: set[str] = set()
        for unit in self.units.values():
            if unit is None or unit.facts is None:
                continue
            for reference in unit.facts.references:
                alone = isinstance(reference.op, ops.Import) and reference.hands_on is None
                (plain if alone else other).update(reference.targets)
                if reference.dynamic and not alone:
                    return set()
        return plain - other

    def exports(self, name: str) -> set[str] | None:
        """The names that can be imported from a template, its parents' included; None if that is not known."""
        found: set[str] = set()
        pending, done = [name], set[str]()
        while pending:
            name = pending.pop()
            if name in done:
                continue
            done.add(name)
            unit = self.unit(name)
            if unit is None or unit.facts is None:
                return None
            found |= unit.facts.exports
            for reference in unit.facts.references:
                if isinstance(reference.op, ops.Extends):
                    if reference.dynamic:
                        return None
                    pending += reference.targets
        return found
