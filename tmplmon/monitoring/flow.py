"""Which line follows which: the arcs of a piece of code, from its sites.

Rule: an arc leads from a line to the next line on which execution arrives. The *ways* of a branch are the arcs to
which its two sides lead. A way counts as an outcome of the branch only if no other path through the line gives the
same arc, because tools see lines and not paths.

This describes what tools find out: coverage.py's tracers see arcs, and its sysmon core follows the code of a branch
to the next line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

__all__ = ["Arc", "Flow", "outcomes"]

type Arc = tuple[int, int]
"""(line, next line)"""


class Flow:
    """The arcs between the lines of one piece of code.

    entries: (kind, line) of each site, in the order of the code; see `tmplmon.monitoring.sites.SITE_EVENTS` for the
    kinds. ways: index of an entry → the indexes that it leads to, of a branch two; None leaves the code. exit: the
    negative number that stands for entering and leaving the code in arcs. called: branches whose second side leaves
    a function that is part of the code.
    """

    def __init__(
        self,
        entries: Sequence[tuple[str, int]],
        ways: Callable[[int], Sequence[int | None]],
        exit: int,
        called: Iterable[int] = (),
    ) -> None:
        self.entries = entries
        self.leads = ways
        self.exit = exit
        self.called = set(called)
        self.plain: set[Arc] = set()
        """The arcs that are taken without a branch."""

    def follow(self, entry: int | None, line: int) -> tuple[int | None, int | None]:
        """Return (the first other line that is reached from an entry, its entry); (None, None) if a branch on the
        same line comes first, or if no other line is ever reached."""
        entries = self.entries
        seen: set[int] = set()
        while entry is not None and entry < len(entries):
            if entry in seen:
                return None, None
            seen.add(entry)
            kind, here = entries[entry]
            # Only these are on a line of their own. Other entries may have the line of the entry before them.
            if kind in ("line", "branch") and here != line:
                return here, entry
            if kind == "branch":
                return None, None
            entry = self.leads(entry)[0]
        return self.exit, None

    def ways(self, entry: int) -> list[tuple[int | None, int | None]]:
        """Return the result of `follow` for each entry that an entry leads to."""
        line = self.entries[entry][1]
        results = [self.follow(way, line) for way in self.leads(entry)]
        if entry in self.called:
            results[1] = self.exit, None
        return results

    def arcs(self) -> set[Arc]:
        """Return all arcs. Those that leave a line without a branch are also added to `plain`."""
        arcs: set[Arc] = set()
        reached: set[int | None] = set()
        for number, (kind, line) in enumerate(self.entries):
            if kind in ("line", "branch"):
                if not reached:
                    arcs.add((self.exit, line))
                    reached.add(number)
                for to, entry in self.ways(number):
                    if to is not None:
                        arcs.add((line, to))
                        reached.add(entry)
        for entry in reached - {None}:
            assert entry is not None
            line = self.entries[entry][1]
            to = self.follow(entry, line)[0]
            if to is not None:
                self.plain.add((line, to))
        return arcs | self.plain

    def branches(self) -> Iterable[Arc]:
        """Yield the ways of all branches."""
        for number, (kind, line) in enumerate(self.entries):
            if kind == "branch":
                for to, _ in self.ways(number):
                    if to is not None:
                        yield line, to


def outcomes(ways: Iterable[Arc], plain: set[Arc]) -> dict[int, frozenset[int]]:
    """Return the lines with branches, and for each the lines that its outcomes lead to: at least two.

    ways: those of the branches. plain: arcs that are also taken without a branch, perhaps in other code on the
    line.
    """
    outcomes: dict[int, set[int]] = {}
    for line, to in ways:
        if (line, to) not in plain:
            outcomes.setdefault(line, set()).add(to)
    return {line: frozenset(to) for line, to in outcomes.items() if len(to) > 1}
