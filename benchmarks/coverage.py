"""What being measured by coverage.py costs a template, beside a Python function that makes the same page.

    python -m benchmarks.coverage

Both make a page of 200 rows, a line of the one for each line of the other. A figure is microseconds for a page,
from the third on (the first two are those in which the sysmon core learns what has run), the best of many in rounds
in which all kinds of measuring take turns. In brackets: times the page that is not measured.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import coverage

from benchmarks.report import table
from tmplmon import Environment, FileSystemLoader

ROWS = 200
ROUNDS = 12
PAGES = 40

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

# What measures: a core of coverage.py, and whether branches are measured. The sysmon core can from 3.14 on.
KINDS: dict[str, tuple[str, bool] | None] = {
    "not measured": None,
    "ctrace": ("ctrace", False),
    "ctrace, branches": ("ctrace", True),
    "sysmon": ("sysmon", False),
    **({"sysmon, branches": ("sysmon", True)} if sys.version_info >= (3, 14) else {}),
    "pytrace": ("pytrace", False),
}


def makers(folder: Path) -> dict[str, Callable[..., str]]:
    """The functions that make the page, from files in a folder, so that coverage.py measures them."""
    (folder / "page.html").write_text(TEMPLATE)
    (folder / "page.py").write_text(FUNCTION)
    environment = Environment(loader=FileSystemLoader(str(folder)), autoescape=True)
    names: dict[str, Any] = {}
    exec(compile(FUNCTION, str(folder / "page.py"), "exec"), names)
    return {"template": environment.get_template("page.html").render, "function": names["page"]}


def timed(make: Callable[..., str], context: dict[str, Any]) -> float:
    """Seconds for a page, from the third on."""
    make(**context)
    make(**context)
    best = float("inf")
    for _ in range(PAGES):
        start = perf_counter()
        make(**context)
        best = min(best, perf_counter() - start)
    return best


def measured(kind: tuple[str, bool] | None, folder: Path, make: Callable[..., str], context: Any) -> float:
    if kind is None:
        return timed(make, context)
    core, branch = kind
    counter = coverage.Coverage(data_file=None, config_file=False, branch=branch, source=[str(folder)])
    counter.set_option("run:core", core)
    counter.set_option("run:plugins", ["tmplmon"])
    with counter.collect():
        return timed(make, context)


def figures(folder: Path) -> dict[str, dict[str, float]]:
    """Kind → maker → seconds for a page."""
    users = [
        SimpleNamespace(name=f"user {n}", email=f"user{n}@example.org", active=n % 3 == 0)
        for n in range(ROWS)
    ]
    context = {"title": "Users", "users": users}
    made = makers(folder)
    pages = {" ".join(make(**context).split()) for make in made.values()}
    if len(pages) != 1:
        raise SystemExit("the template and the function make different pages")
    found: dict[str, dict[str, float]] = {kind: dict.fromkeys(made, float("inf")) for kind in KINDS}
    for _ in range(ROUNDS):
        for kind, how in KINDS.items():
            for name, make in made.items():
                found[kind][name] = min(found[kind][name], measured(how, folder, make, context))
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        found = figures(Path(name).resolve())
    plain = found["not measured"]
    rows = []
    for kind, times in found.items():
        cells = [f"{times[name] * 1e6:.0f} ({times[name] / plain[name]:.2f})" for name in times]
        more = (times["template"] - plain["template"]) / max(times["function"] - plain["function"], 1e-9)
        rows.append([kind, *cells, f"{more:.2f}" if kind != "not measured" and "sysmon" not in kind else ""])
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"A page of {ROWS} rows, coverage.py {coverage.__version__}, CPython {version}, microseconds")
    print("\n".join(table(["measured by", "template", "function", "cost of template / function"], rows)))


if __name__ == "__main__":
    main()
