"""Templates with their whole IR and the plan of each scope, as expected in ``listings/*.txt``.

    A loop with a condition.
    --- options        arguments of `lower_state.Options`; ``awaits``: list the plan of an asynchronous environment
    autoescape=True
    --- template
    {% for x in y if x %}{{ x }}{% endfor %}
    --- ir             expected: the text of `show_program`
    --- plan           expected: for each scope, a line for each entry of its `Plan`, see `show_plan`

``--update`` rewrites the expected sections. Read the diff: each number is a position that a tool shows.
"""

import ast
import re
from pathlib import Path

import pytest

from tmplmon.ir import ops
from tmplmon.ir.lower import Options, lower
from tmplmon.ir.plan import Plan
from tmplmon.ir.show import show_place, show_program
from tmplmon.ir.walk import scopes
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.parser import parse
from tmplmon.syntax.source import Source

from .programs import TAGS, Anything

PATHS = sorted((Path(__file__).parent / "listings").glob("*.txt"))
SYNTAX = Syntax(tags=TAGS, custom_tags=(("cache", True), ("url", False)))
ROLES = ("line", "call", "branch", "output_yield", "await_yield", "else_branch", "condition_branch", "head")


def sections_of(text: str) -> dict[str, str]:
    """Section name → text. The sentence before the first section is the section ""."""
    name, *rest = re.split(r"^--- (\w+)\n", f"--- title\n{text}", flags=re.MULTILINE)
    assert not name
    return dict(zip(rest[::2], rest[1::2], strict=True))


def written(sections: dict[str, str]) -> str:
    return "".join(text if name == "title" else f"--- {name}\n{text}" for name, text in sections.items())


def show_plan(scope: ops.Scope, awaits: bool) -> str:
    """A line for each entry of a scope's plan: its number, its kind, its place, then

    fires: its events can be fired.
    line, call, branch, pause, wait, otherwise, passes, head: the dictionary of the plan that leads to it.
    ways: the entries that control goes to, for entries of several ways and for jumps.
    left, right: the destinations that tools see, after jumps to jumps.
    """
    plan = Plan(scope, awaits)
    destinations: dict[int, list[str]] = {}
    for entry, side, destination in plan.destinations():
        destinations.setdefault(entry, []).append(f"{side} {'end' if destination is None else destination}")
    lines = [f"{scope.kind.value} {scope.name!r}"]
    for number, (kind, site) in enumerate(plan.entries):
        words = [f"{number:4} {kind:<6} {show_place(scope.positions[site]):<12}"]
        if plan.fires(number):
            words.append("fires")
        words += [role for role in ROLES if number in getattr(plan, role).values()]
        if plan.output_yield.get(-1) == number:
            words.append("(of blank text)")
        if kind in ("branch", "jump"):
            words.append("ways " + " ".join("end" if way is None else str(way) for way in plan.ways(number)))
        assert kind != "return" or plan.ways(number) == (None,)
        words += destinations.pop(number, ())
        lines.append(" ".join(words).rstrip())
        assert plan.place[site] <= number
    assert not destinations
    assert all(plan.entries[number][1] == site for site, number in plan.place.items())
    if plan.includes:
        lines.append(
            "     includes " + ", ".join(show_place(scope.positions[op.site]) for op in plan.includes)
        )
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_listing(path: Path, update: bool) -> None:
    sections = sections_of(path.read_text("utf-8"))
    call = ast.parse(f"options({sections.get('options', '')})", mode="eval").body
    assert isinstance(call, ast.Call)
    arguments = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    awaits = arguments.pop("awaits", False)
    source = Source(sections["template"], "main", "/templates/main")
    options = Options(filters=Anything(), tests=Anything(), **arguments)
    program = lower(parse(source, SYNTAX), source, options)
    actual = {**sections, "ir": show_program(program)}
    actual["plan"] = "".join(show_plan(scope, awaits) for scope in scopes(program))
    if update:
        path.write_text(written(actual), "utf-8")
        return
    assert actual == sections
    assert written(sections) == path.read_text("utf-8")
