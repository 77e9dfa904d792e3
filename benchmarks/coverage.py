"""The cost of measuring a template by coverage.py, compared with a Python function that creates the same page.

    python -m benchmarks.coverage

Both create a page of 200 rows, and each line of one corresponds to a line of the other. A figure is in microseconds
per page, from the third page on (the sysmon core learns during the first two which lines run): the minimum over
rounds in which all kinds of measurement alternate. In parentheses: the factor to the page without measurement.

The cost of the sysmon core is so small that other work on the machine hides it. Its factor is therefore the median
of many pairs: a measured page, and the same page from another folder, which coverage.py has told the VM to ignore.
(The tracers of the other cores are called for each function, measured or not.)
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import coverage

from benchmarks.report import table
from tmplmon import Environment, FileSystemLoader

ROWS = 200
ROUNDS = 12
PAGES = 40
PAIRS = 2000

TEMPLATE = """\
<h1>{{ title }}</h1>
<table>
{% for user in users %}
  <tr>
    <td>{{ user.name }}</td>
    {% if user.active %}
    <td>yes</td>
    {% else %}
    <td>no</td>
    {% endif %}
    <td>{{ user.email }}</td>
  </tr>
{% endfor %}
</table>
"""

FUNCTION = """\
from markupsafe import escape


def page(title, users):
    output = []
    output.append(f"<h1>{escape(title)}</h1>\\n")
    output.append("<table>\\n")
    for user in users:
        output.append("\\n  <tr>\\n")
        output.append(f"    <td>{escape(user.name)}</td>\\n    ")
        if user.active:
            output.append("\\n    <td>yes</td>\\n    ")
        else:
            output.append("\\n    <td>no</td>\\n    ")
        output.append(f"\\n    <td>{escape(user.email)}</td>\\n  </tr>\\n")
    output.append("\\n</table>")
    return "".join(output)
"""

PLAIN = "not measured"

# Label → the core of coverage.py, and whether branches are measured. The sysmon core supports them from 3.14 on.
KINDS: dict[str, tuple[str, bool] | None] = {
    PLAIN: None,
    "ctrace": ("ctrace", False),
    "ctrace, branches": ("ctrace", True),
    "sysmon": ("sysmon", False),
    **({"sysmon, branches": ("sysmon", True)} if sys.version_info >= (3, 14) else {}),
    "pytrace": ("pytrace", False),
}


def makers(folder: Path) -> dict[str, Callable[..., str]]:
    """Return the functions that create the page, from files in a folder, so that coverage.py measures them."""
    folder.mkdir(exist_ok=True)
    (folder / "page.html").write_text(TEMPLATE)
    (folder / "page.py").write_text(FUNCTION)
    environment = Environment(loader=FileSystemLoader(str(folder)), autoescape=True)
    names: dict[str, Any] = {}
    exec(compile(FUNCTION, str(folder / "page.py"), "exec"), names)
    return {"template": environment.get_template("page.html").render, "function": names["page"]}


def timed(make: Callable[..., str], context: dict[str, Any]) -> float:
    """Return the seconds for a page, from the third page on."""
    make(**context)
    make(**context)
    return min(once(make, context) for _ in range(PAGES))


def once(make: Callable[..., str], context: dict[str, Any]) -> float:
    start = perf_counter()
    make(**context)
    return perf_counter() - start


def collecting(kind: tuple[str, bool], folder: Path) -> AbstractContextManager[None]:
    core, branch = kind
    counter = coverage.Coverage(data_file=None, config_file=False, branch=branch, source=[str(folder)])
    counter.set_option("run:core", core)
    counter.set_option("run:plugins", ["tmplmon"])
    return counter.collect()


def paired(kind: tuple[str, bool], folders: tuple[Path, Path], context: dict[str, Any]) -> dict[str, float]:
    """Maker → the time of its measured page, relative to the same page from a folder that is not measured."""
    here, there = (makers(folder) for folder in folders)
    factors: dict[str, float] = {}
    with collecting(kind, folders[0]):
        for name in here:
            pair = here[name], there[name]
            for make in pair * 3:
                make(**context)
            ratios = []
            for turn in range(PAIRS):
                first = once(pair[turn % 2], context)
                second = once(pair[1 - turn % 2], context)
                ratios.append(second / first if turn % 2 else first / second)
            factors[name] = median(ratios)
    return factors


def figures(folder: Path) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Return two tables, label → maker → value: the seconds for a page, and the factor to the unmeasured page."""
    users = [
        SimpleNamespace(name=f"user {n}", email=f"user{n}@example.org", active=n % 3 == 0)
        for n in range(ROWS)
    ]
    context = {"title": "Users", "users": users}
    folders = folder / "measured", folder / "other"
    pages_by_maker = makers(folders[0])
    pages = {" ".join(make(**context).split()) for make in pages_by_maker.values()}
    if len(pages) != 1:
        raise SystemExit("the template and the function create different pages")
    times: dict[str, dict[str, float]] = {
        label: dict.fromkeys(pages_by_maker, float("inf")) for label in KINDS
    }
    for _ in range(ROUNDS):
        for label, kind in KINDS.items():
            for name, make in pages_by_maker.items():
                with collecting(kind, folders[0]) if kind is not None else nullcontext():
                    times[label][name] = min(times[label][name], timed(make, context))
    factors = {
        label: {name: times[label][name] / times[PLAIN][name] for name in pages_by_maker} for label in KINDS
    }
    for label, kind in KINDS.items():
        if kind is not None and kind[0] == "sysmon":
            factors[label] = paired(kind, folders, context)
    return times, factors


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        times, factors = figures(Path(name).resolve())
    rows = []
    for label, of in times.items():
        cells = [f"{of[name] * 1e6:.0f} ({factors[label][name]:.2f})" for name in of]
        cost = [of[name] - times[PLAIN][name] for name in ("template", "function")]
        traced = label != PLAIN and "sysmon" not in label
        rows.append([label, *cells, f"{cost[0] / max(cost[1], 1e-9):.2f}" if traced else ""])
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"A page of {ROWS} rows, coverage.py {coverage.__version__}, CPython {version}, microseconds")
    print("\n".join(table(["measured by", "template", "function", "cost of template / function"], rows)))


if __name__ == "__main__":
    main()
