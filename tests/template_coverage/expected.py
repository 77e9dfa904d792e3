"""The expected results of templates: the comment at the end of each template has the numbers of its report.

{#
lines:    1-3 5          the executable lines, without excluded ones
missing:  5
excluded: 7
taken:    2->3 2->-1     arcs of branches; -1 is the end of the template, block or macro
untaken:  2->5
#}
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

type Arcs = set[tuple[int, int]]


@dataclass(frozen=True)
class Numbers:
    lines: frozenset[int]
    missing: frozenset[int]
    excluded: frozenset[int]
    taken: frozenset[tuple[int, int]] = frozenset()
    untaken: frozenset[tuple[int, int]] = frozenset()


def expected(template: Path, branch: bool) -> Numbers:
    """The numbers in a template's comment."""
    comment = template.read_text().rpartition("{#")[2]
    parts = dict(re.findall(r"^(\w+):(.*)$", comment, re.MULTILINE))
    lines, missing, excluded = (_lines(parts.get(name, "")) for name in ("lines", "missing", "excluded"))
    if not branch:
        return Numbers(lines, missing, excluded)
    return Numbers(lines, missing, excluded, _arcs(parts["taken"]), _arcs(parts["untaken"]))


def reported(file: dict[str, Any]) -> Numbers:
    """The same numbers of a file in a JSON report."""
    return Numbers(
        frozenset(file["executed_lines"]) | frozenset(file["missing_lines"]),
        frozenset(file["missing_lines"]),
        frozenset(file["excluded_lines"]),
        frozenset(map(tuple, file.get("executed_branches", ()))),
        frozenset(map(tuple, file.get("missing_branches", ()))),
    )


def _lines(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split():
        start, _, end = part.partition("-")
        found.update(range(int(start), int(end or start) + 1))
    return frozenset(found)


def _arcs(text: str) -> frozenset[tuple[int, int]]:
    return frozenset((int(start), int(end)) for start, end in (arc.split("->") for arc in text.split()))
