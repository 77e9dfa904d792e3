"""One construct of the language at a time, on both back ends and in the sandbox; and the cost of nesting.

The pages of `workloads` contain what all engines can express. The constructs here are those of Jinja's language
that other pages do not have and that applications use often: missing attributes, items of dicts, call blocks.
Each is a loop of 50 rounds, so that the construct outweighs the fixed cost of a rendering.

The second table is the time from source to the first output of nested loops, for each level. It grows with the
depth if a body is built more than once. Only the closures back end is measured: Python's compiler does not accept
more than 20 nested loops.
"""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

from benchmarks.engines import Render
from benchmarks.report import Section, Target, duration, geometric_mean, ratio, ratios
from benchmarks.sandbox import environment
from benchmarks.sections import Run
from benchmarks.timing import interleave
from benchmarks.workloads import Record

_ROUNDS = 50
_LEVELS = (5, 25, 90)
_CONTEXT: dict[str, Any] = {
    "numbers": list(range(_ROUNDS)),
    "objects": [Record(number=number, name=f"name {number}") for number in range(_ROUNDS)],
    "dicts": [{"number": number, "name": f"name {number}"} for number in range(_ROUNDS)],
}
CONSTRUCTS = {
    "default of a missing attribute": "{% for i in objects %}{{ i.q|default('x') }}{% endfor %}",
    "default of a missing item": "{% for i in dicts %}{{ i.q|default('x') }}{% endfor %}",
    "missing attribute is defined": "{% for i in objects %}{% if i.q is defined %}x{% endif %}{% endfor %}",
    "missing item is defined": "{% for i in dicts %}{% if i.q is defined %}x{% endif %}{% endfor %}",
    "missing attribute as a condition": "{% for i in objects %}{% if i.q %}x{% endif %}{% endfor %}",
    "items of dicts": "{% for i in dicts %}{% for k, v in i.items() %}{{ k }}={{ v }}{% endfor %}{% endfor %}",
    "macro with varargs": "{% macro m(a) %}{{ a }}{{ varargs|length }}{% endmacro %}"
    "{% for i in numbers %}{{ m(i, 1, 2) }}{% endfor %}",
    "macro with kwargs": "{% macro m(a) %}{{ a }}{{ kwargs.z }}{% endmacro %}"
    "{% for i in numbers %}{{ m(i, z=2) }}{% endfor %}",
    "call block": "{% macro m(a) %}<{{ caller() }}>{% endmacro %}"
    "{% for i in numbers %}{% call m(i) %}{{ i }}{% endcall %}{% endfor %}",
    "filter block": "{% for i in numbers %}{% filter upper %}a{{ i }}{% endfilter %}{% endfor %}",
    "if with elif": "{% for i in numbers %}{% if i == 60 %}a{% elif i == 70 %}b{% else %}c{% endif %}{% endfor %}",
    "comparisons": "{% for i in numbers %}{% if 1 < i < 10 and i not in [3, 4] %}{{ i }}{% endif %}{% endfor %}",
}
# Column → its name in `sandbox.ENVIRONMENTS`, the column that it is compared with.
_COMPARED = {
    "bytecode": ("bytecode", "jinja2"),
    "closures": ("closures", "jinja2"),
    "sandbox": ("sandbox", "jinja2 sandbox"),
    "with fuel": ("with fuel", "jinja2 sandbox"),
}
_serial = count()


def run(config: Run) -> Section:
    section = Section("Constructs and nesting")
    best: dict[str, dict[str, float]] = {name: {} for name in ("jinja2", "jinja2 sandbox", *_COMPARED)}
    for title, source in CONSTRUCTS.items():
        renders: dict[str, Render] = {}
        for column in best:
            renders[column] = partial(environment(column).from_string(source).render, **_CONTEXT)
        outputs = {column: render() for column, render in renders.items()}
        for column, output in outputs.items():
            if output != outputs["jinja2"]:
                section.failures.append(f"{column}, {title}: the output differs from Jinja2's")
        timings = interleave(
            renders, rounds=config.rounds, slice_seconds=config.slice_seconds, collect=config.collect
        )
        section.data[title] = {column: timing.rounds for column, timing in timings.items()}
        for column, timing in timings.items():
            best[column][title] = timing.best
    compared = {title: ratios(best[name], best[other]) for title, (name, other) in _COMPARED.items()}
    rows = [(title, *(ratio(column[title]) for column in compared.values())) for title in CONSTRUCTS]
    rows.append(("geometric mean", *(ratio(geometric_mean(c.values())) for c in compared.values())))
    section.add_table(("time / Jinja2's", *compared), rows)
    _nested_loops(config, section)
    section.targets = [
        Target(f"slowest construct, {title} / Jinja2", 1.0, max(column.values()))
        for title, column in compared.items()
        if title != "with fuel"
    ]
    return section


def _nested_loops(config: Run, section: Section) -> None:
    """Add a table of the time per level of nested loops, from source to the first output."""

    def first_output(column: str, levels: int) -> str:
        source = "{% for i in [1] %}" * levels + "x" + "{% endfor %}" * levels
        text: str = environments[column].from_string(f"{source}<!-- {next(_serial)} -->").render()
        return text

    environments = {column: environment(column) for column in ("closures", "sandbox", "with fuel")}
    rows = []
    for column in environments:
        calls = {str(levels): partial(first_output, column, levels) for levels in _LEVELS}
        timings = interleave(
            calls, rounds=config.rounds, slice_seconds=config.slice_seconds, collect=config.collect
        )
        rows.append((column, *(duration(timings[str(levels)].best / levels) for levels in _LEVELS)))
        section.data[f"nested loops, {column}"] = {levels: timings[levels].rounds for levels in timings}
    section.add_table(("time per level of nested loops", *(f"{levels} levels" for levels in _LEVELS)), rows)
