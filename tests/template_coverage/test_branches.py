"""Branches of small templates whose ways were written down by hand: every core and back end reports the same."""

import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tmplmon import Environment, FileSystemLoader

from .conftest import counting

CORES = ("ctrace", "pytrace", *(["sysmon"] if sys.version_info >= (3, 14) else []))


@dataclass
class Case:
    """Templates, the first of which is rendered in each context, and the ways that a report has for the last one:
    "line>line", with ``-1`` for the end."""

    templates: dict[str, str]
    contexts: list[dict[str, Any]]
    taken: str
    untaken: str = ""
    options: dict[str, Any] = field(default_factory=dict)


class Pair:
    def __init__(self, a: int, b: int) -> None:
        self.a, self.b = a, b


CASES = {
    "a static include, in the rendering that loads it": Case(
        {
            "page": "top\n{% include 'part' %}",
            "part": "{% for x in xs %}\n{% if x %}\nA\n{% else %}\nB\n{% endif %}\n{% endfor %}",
        },
        [{"xs": [1, 0]}],
        "1>2 1>-1 2>3 2>5",
    ),
    "an include of an include": Case(
        {
            "page": "{% include 'middle' %}",
            "middle": "{% if true %}{% include 'part' %}{% endif %}",
            "part": "{% if a %}\nA\n{% endif %}\nB",
        },
        [{"a": 0}],
        "1>4",
        "1>2",
    ),
    "a loop's head, reached again after a continue": Case(
        {
            "page": "{% for x in xs %}\n{% if x.a %}\n{% if x.b %}{% continue %}{% endif %}\n{% endif %}\nD\n"
            "{% endfor %}"
        },
        [{"xs": [Pair(1, 1), Pair(0, 0)]}],
        "1>-1 1>2 2>3 2>5 3>1",
        "3>5",
    ),
    "the condition of a loop": Case(
        {"page": "{% for x in xs if x %}\nA\n{% endfor %}\nB"}, [{"xs": [1, 0]}], "1>2 1>4"
    ),
    "the condition of a loop, never true": Case(
        {"page": "{% for x in xs if x %}\nA\n{% endfor %}\nB"}, [{"xs": [0]}], "1>4", "1>2"
    ),
    "the condition of a loop on a line of its own": Case(
        {"page": "{% for x in xs\n  if x.a\n  %}\nA\n{% endfor %}\nB"},
        [{"xs": [Pair(1, 1), Pair(0, 0)]}],
        "1>4 1>6",
    ),
    "the condition of a loop that looks ahead": Case(
        {"page": "{% for x in xs\n  if x.a %}\n{{ loop.last }}\n{% endfor %}\nB"},
        [{"xs": [Pair(1, 1), Pair(0, 0)]}],
        "1>3 1>5",
    ),
    "a condition with a call, rendered again when all events are disabled": Case(
        {"page": "{{ f(1) }}\n{% if f(a) %}\nA\n{% endif %}"},
        [{"a": 1, "f": abs}, {"a": 1, "f": lambda a: a}] * 3,
        "2>3",
        "2>-1",
    ),
    "a condition with a filter, rendered again when all events are disabled": Case(
        {"page": "{{ a|title }}\n{% if a|length %}\nA\n{% endif %}"}, [{"a": "x"}] * 4, "2>3", "2>-1"
    ),
    "a loop with a condition and an else": Case(
        {"page": "{% for x in xs if x %}\nA\n{% else %}\nE\n{% endfor %}\nB"},
        [{"xs": [1]}],
        "1>2 1>6",
        "1>4",
    ),
}


@pytest.mark.parametrize("backend", ("bytecode", "closures"))
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_branches(case: Case, core: str, backend: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVERAGE_CORE", core)
    for name, text in case.templates.items():
        (folder / name).write_text(text)
    environment = Environment(
        loader=FileSystemLoader(str(folder)),
        backend=backend,
        extensions=["tmplmon.ext.loopcontrols"],
        **case.options,
    )
    counter = counting(folder)
    page, *_, last = [*case.templates, *case.templates]
    with warnings.catch_warnings(action="error"), counter.collect():
        for context in case.contexts:
            environment.get_template(page).render(context)
    stats = counter.branch_stats(str(folder / last))
    taken, missing = _ways(counter, str(folder / last))
    assert (taken, missing) == (set(case.taken.split()), set(case.untaken.split()))
    assert sum(total for total, _ in stats.values()) == len(taken | missing)


def _ways(counter: Any, path: str) -> tuple[set[str], set[str]]:
    import json

    counter.json_report(outfile="out.json")
    (file,) = (
        file
        for name, file in json.loads(Path("out.json").read_text())["files"].items()
        if path.endswith(name)
    )
    executed, missing = file["executed_branches"], file["missing_branches"]
    return {f"{start}>{end}" for start, end in executed}, {f"{start}>{end}" for start, end in missing}
