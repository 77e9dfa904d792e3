"""Every program that lowering makes keeps the promises of `ops`, and a program that breaks one is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from differential.generate import site as generated_site
from effort import examples
from hypothesis import given

from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.ir.check import InvalidIR, check_program
from tmplmon.ir.walk import scopes, walk

from .programs import CASES, corpus, program

TEMPLATES = [(f"{case}-{name}", text, syntax) for case, name, text, syntax in corpus()]


def test_the_corpus_is_there() -> None:
    assert len(TEMPLATES) > len(CASES) > 500


@pytest.mark.parametrize(("text", "syntax"), [t[1:] for t in TEMPLATES], ids=[t[0] for t in TEMPLATES])
def test_corpus(text: str, syntax: Any) -> None:
    for autoescape in (False, True):
        try:
            lowered = program(text, syntax=syntax, autoescape=autoescape)
        except TemplateSyntaxError:
            return
        check_program(lowered)


@given(generated_site())
@examples(200)
def test_generated(case: Any) -> None:
    for name, text in case.templates.items():
        try:
            lowered = program(text, name=name)
        except TemplateSyntaxError:
            continue
        check_program(lowered)


@pytest.mark.parametrize(
    "text",
    [
        "{% set a %}{% set a %}{{ a }}{% endset %}{% endset %}",
        "{% for x in y %}{% with %}{{ a }}{% set a = 1 %}{% endwith %}{% endfor %}{% set a = 2 %}",
        "{% for x in y %}{% if x %}{% set a = 1 %}{% endif %}{{ a }}{% endfor %}{% set a = 2 %}",
        "{% for x in y %}{% macro m() %}{{ a }}{% endmacro %}{% set a = 1 %}{% endfor %}{% set a = 2 %}",
        "{{ loop }}{% for x in y %}{{ loop }}{% endfor %}",
        "{% autoescape on %}{{ a }}{% endautoescape %}",
        "{% for x in y recursive %}{{ loop(x) }}{% for x in x %}{{ loop.index }}{% endfor %}{% endfor %}",
        "{% macro a(b=c, c=1) %}{{ caller() }}{{ varargs }}{% endmacro %}{% call a() %}{{ b }}{% endcall %}",
    ],
)
def test_names_that_meet(text: str) -> None:
    """Templates in which a name is read where an inner frame's variable starts as an outer one's."""
    check_program(program(text))


# --- what is refused: a good program, one thing changed, the words of the message -----------------------------

TEMPLATE = """\
{% if base %}{% extends "base" %}{% endif %}
{% set title = "T" %}
{% block body %}{{ title }}
{% for u in users if u.on %}
  {{ loop.index }} {% if u.admin and u.name %}{% continue %}{% endif %}
{% endfor %}
{% macro m(a, b=1) %}{% set c = a %}{{ b }}{% for x in c %}{{ m }}{% endfor %}{% endmacro %}
{% call m(1) %}{{ users }}{% endcall %}
{% with v = users %}{% set ns = namespace() %}{% set ns.x = v %}{% endwith %}
{% include "part" ignore missing %}
{% endblock %}
"""


class Parts:
    """A program and the way to its parts."""

    def __init__(self) -> None:
        self.program = program(TEMPLATE)
        self.root = self.program.root
        self.body = self.program.blocks["body"]
        self.macro = next(scope for scope in scopes(self.program) if scope.name == "m")

    def first(self, cls: type[Any], scope: ops.Scope | None = None) -> Any:
        return next(node for node in walk((scope or self.body).body) if type(node) is cls)


def change(attribute: str, value: object) -> Callable[[Any], None]:
    return lambda thing: setattr(thing, attribute, value)


def foreign_slot(parts: Parts) -> None:
    parts.first(ops.Load).slot = parts.macro.parameters[0][0]


def unseen_slot(parts: Parts) -> None:
    parts.first(ops.Load).slot = parts.first(ops.For).target


def branch_of_no_op(parts: Parts) -> None:
    parts.body.branches.append(len(parts.body.positions))
    parts.body.positions.append((1, 1, 0, 0))


def read_before(parts: Parts) -> None:
    """A variable of the macro is read before the macro assigns it."""
    slot = parts.macro.frame.slots["c"]
    parts.macro.body.insert(
        0, ops.Emit([ops.EmitValue(ops.Load(slot, 0), False, parts.macro.lines[0])], False)
    )


BROKEN: list[tuple[str, Callable[[Parts], Any], str]] = [
    ("site too high", lambda p: change("site", 999)(p.first(ops.Assign)), "site 999 is not one of"),
    ("site below zero", lambda p: change("site", -1)(p.first(ops.Load)), "site -1 is not one of"),
    ("line site twice", lambda p: p.body.lines.append(p.body.lines[0]), "`lines` has a site twice"),
    ("line site too high", lambda p: p.body.lines.append(999), "`lines` has site 999"),
    ("lines out of order", lambda p: p.body.lines.reverse(), "not in source order"),
    (
        "branch site twice",
        lambda p: p.body.branches.append(p.body.branches[0]),
        "`branches` has a site twice",
    ),
    ("a line missing", lambda p: p.body.lines.remove(p.first(ops.For).site), "is not in `lines`"),
    ("a branch missing", lambda p: p.body.branches.remove(p.first(ops.For).site), "is not in `branches`"),
    ("a branch of no op", branch_of_no_op, "sites that no op has"),
    ("end before start", lambda p: p.body.positions.__setitem__(0, (3, 2, 0, 0)), "has the position"),
    ("slot of another scope", foreign_slot, "which is not around this one"),
    ("slot out of sight", unseen_slot, "is not in sight"),
    ("not captured", lambda p: change("captured", False)(p.body.context["users"]), "not marked captured"),
    ("read before assigned", read_before, "not marked initialised"),
    (
        "wrong kind",
        lambda p: change("kind", ops.SlotKind.SUPER)(p.macro.frame.slots["a"]),
        "is bound by the opener",
    ),
    (
        "super in a macro",
        lambda p: change("kind", ops.SlotKind.SUPER)(p.macro.frame.slots["c"]),
        "does not give it a value",
    ),
    (
        "outer without origin",
        lambda p: change("kind", ops.SlotKind.OUTER)(p.macro.frame.slots["c"]),
        "has the origin None",
    ),
    (
        "context slot renamed",
        lambda p: change("name", "other")(p.body.context["users"]),
        "under the name 'users'",
    ),
    ("jump of another kind", lambda p: change("kind", "goto")(p.first(ops.Jump)), "of the kind 'goto'"),
    ("jump outside", lambda p: p.body.body.append(p.first(ops.Jump)), "in no loop of its scope"),
    ("loop of another", lambda p: change("loop", ops.LoopUse())(p.first(ops.LoopAttr)), "not around it"),
    ("attribute not noted", lambda p: p.first(ops.For).loop.attributes.clear(), "'index' is read"),
    ("loop without slot", lambda p: change("whole", True)(p.first(ops.For, p.macro).loop), "has no slot"),
    ("slot not listed", lambda p: p.macro.slots.clear(), "not among the scope's `slots`"),
    ("macro not listed", lambda p: p.body.nested.clear(), "`nested` has []"),
    ("half a loop filter", lambda p: change("test_frame", None)(p.first(ops.For)), "some are missing"),
    ("no pieces", lambda p: p.first(ops.Emit).pieces.clear(), "has no pieces"),
    ("empty text", lambda p: p.body.body.append(ops.Emit([ops.EmitText("", -1)], False)), "text is empty"),
    (
        "text without a line",
        lambda p: p.body.body.append(ops.Emit([ops.EmitText("x", -1)], False)),
        "has the site -1",
    ),
    ("no branches", lambda p: p.first(ops.If).branches.clear(), "has no branches"),
    ("a value as statement", lambda p: p.body.body.append(p.first(ops.Load)), "is not a statement"),
    ("unknown block", lambda p: p.program.blocks.clear(), "the program has no block 'body'"),
    ("block renamed", lambda p: change("name", "other")(p.body), "is called 'body' by its program"),
    ("required or not", lambda p: change("required", True)(p.body), "do not agree on `required`"),
    ("extends unmarked", lambda p: change("extends", False)(p.root), "`extends` is False"),
    (
        "export from a block",
        lambda p: p.first(ops.Assign).export.append(p.first(ops.Assign).target),
        "is exported from",
    ),
    ("macro of another", lambda p: change("parent", p.root)(p.macro), "the parent of its scope"),
    ("block with a parent", lambda p: change("parent", p.root)(p.body), "only the scope of a macro"),
    (
        "a body among blocks",
        lambda p: change("kind", ops.ScopeKind.TEMPLATE)(p.body),
        "where there should be a block",
    ),
    (
        "capture to a name",
        lambda p: p.root.body.append(ops.Capture(p.root.frame.slots["title"], ops.Frame(), [], False, 0)),
        "it fills title",
    ),
]


def test_the_good_program_is_good() -> None:
    check_program(Parts().program)


@pytest.mark.parametrize(("breaks", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_refused(breaks: Callable[[Parts], Any], words: str) -> None:
    parts = Parts()
    breaks(parts)
    with pytest.raises(InvalidIR) as caught:
        check_program(parts.program)
    first = str(caught.value).splitlines()[0]
    assert words in first
    assert first.startswith("main: ")


def test_the_message_says_where_and_shows_the_scope() -> None:
    broken = program("{{ a }}\n{% for x in y %}{% break %}{% endfor %}")
    loop = next(op for op in broken.root.body if type(op) is ops.For)
    broken.root.body[1:2] = loop.body
    with pytest.raises(InvalidIR) as caught:
        check_program(broken)
    assert str(caught.value).startswith(
        "main: template 'main', Jump at 2:17-27: it is in no loop of its scope\nscope template 'main'"
    )


def test_a_jump_in_a_macro_does_not_leave_the_loop_around_it() -> None:
    broken = program("{% for x in y %}{% break %}{% macro m() %}{{ 1 }}{% endmacro %}{% endfor %}")
    (loop,) = broken.root.body
    assert isinstance(loop, ops.For)
    jump, macro = loop.body
    assert isinstance(jump, ops.Jump) and isinstance(macro, ops.MakeMacro)
    macro.scope.body.append(ops.Jump(jump.kind, macro.scope.lines[0]))
    with pytest.raises(InvalidIR, match="in no loop of its scope"):
        check_program(broken)
