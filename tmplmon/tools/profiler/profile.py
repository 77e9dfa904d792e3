"""The totals of a profile: by line, by file and by scope.

    self    the time on a line, and in the Python functions it calls, but not in other templates
    total   with the includes, macros, blocks and parents that it calls

Rule: in any grouping the sum of `self` is `Profile.spent`. `total` counts a moment once for each line or scope that
is active in it, even if templates call themselves.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from tmplmon.tools.profiler.sources import lines_of, shown_name
from tmplmon.tools.profiler.tree import Node, Scope


@dataclass(slots=True)
class Figures:
    """hits: how often a line was reached, or a scope called. own, total: seconds; see above."""

    hits: int = 0
    own: float = 0.0
    total: float = 0.0


@dataclass(slots=True)
class Line(Figures):
    """calls: the scopes that a line called, with how often and their total time below it."""

    calls: dict[Scope, Figures] = field(default_factory=dict)


@dataclass(slots=True)
class File(Figures):
    """hits: how often its scopes were called. lines: number → figures, those that ran.

    source: its lines, none if it cannot be read. executable: the numbers of lines with code, those that did not run
    too.
    """

    path: str = ""
    lines: dict[int, Line] = field(default_factory=dict)
    source: list[str] = field(default_factory=list)
    executable: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        return shown_name(self.path)

    def text(self, line: int) -> str:
        """The source of a line."""
        return self.source[line - 1] if 0 < line <= len(self.source) else ""


class Profile:
    """The result of a profiler, in seconds (or the unit of its clock).

    root: the call tree. seconds: how long it looked. threads: how many ran templates. executable: files and lines
    with code. plain: the time of a rendering while it is not profiled, where somebody has measured that.
    """

    def __init__(
        self,
        root: Node,
        *,
        seconds: float = 0.0,
        threads: int = 1,
        executable: Iterable[tuple[str, int]] = (),
        plain: float | None = None,
    ) -> None:
        self.root = root
        self.seconds = seconds
        self.threads = threads
        self.plain = plain
        self._executable: dict[str, set[int]] = {}
        for file, line in executable:
            self._executable.setdefault(file, set()).add(line)
        self._sources = {node.scope.file: lines_of(node.scope.file) for node in root.walk()}

    # --- the whole -----------------------------------------------------------------------------------------

    @cached_property
    def spent(self) -> float:
        """The time in templates, and in what they called."""
        return sum(self.totals[id(node)] for node in self.root.children.values())

    @cached_property
    def renderings(self) -> int:
        """How often templates were entered from outside of templates."""
        return sum(node.calls for node in self.root.children.values())

    @cached_property
    def hits(self) -> int:
        """How many lines were reached."""
        return sum(int(cell.hits) for node in self.root.walk() for cell in node.cells.values())

    @cached_property
    def totals(self) -> dict[int, float]:
        """id of a node → the time in it and below it."""
        totals: dict[int, float] = {}
        for node in reversed(list(self.root.walk())):
            below = sum(totals[id(child)] for child in node.children.values())
            totals[id(node)] = sum(cell.time for cell in node.cells.values()) + below
        return totals

    # --- by line, file, scope ------------------------------------------------------------------------------

    @cached_property
    def files(self) -> dict[str, File]:
        """Path → figures, most time of its own first."""
        return self._grouped[0]

    @cached_property
    def scopes(self) -> dict[Scope, Figures]:
        """Scope → figures, most time of its own first."""
        return self._grouped[1]

    @cached_property
    def _grouped(self) -> tuple[dict[str, File], dict[Scope, Figures]]:
        files: dict[str, File] = {}
        scopes: dict[Scope, Figures] = {}
        active: Counter[object] = Counter()  # lines, files and scopes that the node is called by
        pending: list[tuple[Node, bool]] = [(node, True) for node in self.root.children.values()]
        while pending:
            node, begins = pending.pop()
            scope, caller = node.scope, node.parent
            assert caller is not None
            mine = (scope, scope.file, (caller.scope.file, node.line))
            if not begins:
                active.subtract(mine)
                continue
            file = files.get(scope.file)
            if file is None:
                file = files[scope.file] = self._file(scope.file)
            figures, total = scopes.setdefault(scope, Figures()), self.totals[id(node)]
            own = sum(cell.time for cell in node.cells.values())
            for each, key in ((figures, scope), (file, scope.file)):
                each.hits += node.calls
                each.own += own
                each.total += 0 if active[key] else total
            active.update(mine)
            self._add_lines(node, file, active)
            pending.append((node, False))
            pending += [(child, True) for child in node.children.values()]
        by_time = sorted(files.items(), key=lambda item: (-item[1].own, item[0]))
        by_scope = sorted(scopes.items(), key=lambda item: (-item[1].own, item[0].file, item[0].line))
        return dict(by_time), dict(by_scope)

    def _add_lines(self, node: Node, file: File, active: Counter[object]) -> None:
        totals = {number: cell.time for number, cell in node.cells.items()}
        for child in node.children.values():
            totals[child.line] = totals.get(child.line, 0) + self.totals[id(child)]
        for number, total in totals.items():
            line = file.lines.setdefault(number, Line())
            cell = node.cells.get(number)
            if cell is not None:
                line.hits += int(cell.hits)
                line.own += cell.time
            if not active[node.scope.file, number]:
                line.total += total
        for child in node.children.values():
            called = file.lines[child.line].calls.setdefault(child.scope, Figures())
            called.hits += child.calls
            called.own += sum(cell.time for cell in child.cells.values())
            if not active[node.scope.file, child.line]:
                called.total += self.totals[id(child)]

    def _file(self, path: str) -> File:
        executable = frozenset(self._executable.get(path, ()))
        return File(path=path, source=self._sources.get(path, []), executable=executable)

    # --- showing -------------------------------------------------------------------------------------------

    def show(self, format: str = "table", **options: object) -> str:
        """The profile as text in a format: one of `formats.FORMATS`."""
        from tmplmon.tools.profiler.formats import show

        return show(self, format, **options)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write the profile to a file, in a format; by default the one that the end of its name says.

        Raises ValueError for a name that says no format.
        """
        from tmplmon.tools.profiler.formats import format_of

        text = self.show(format or format_of(os.fspath(path)))
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)

    def __str__(self) -> str:
        return self.show()
