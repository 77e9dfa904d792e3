"""All programs of the lowering satisfy the invariants of the IR. Programs that violate one are refused."""

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
def test_names_that_inner_frames_share(text: str) -> None:
    """Templates in which a variable of an inner frame starts with the value of an outer variable."""
    check_program(program(text))


# --- refused programs: (name, change of a valid program, words of the message) -----------------------------

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
{% import "lib" as lib with context %}{% from "lib" import f %}
{% set either = 0 %}{% set maybe = 0 %}
{% for u in users %}
  {% if u %}{% set either = 1 %}{% else %}{% set either = 2 %}{% endif %}{{ either }}
  {% if u %}{% set maybe = 1 %}{% endif %}{{ maybe }}
{% endfor %}
{% endblock %}
{% set late = 1 %}
"""


class Parts:
    """A valid program, and functions to find its parts."""

    def __init__(self) -> None:
        self.program = program(TEMPLATE)
        self.root = self.program.root
        self.body = self.program.blocks["body"]
        self.macro = next(scope for scope in scopes(self.program) if scope.name == "m")

    def first(self, cls: type[Any], scope: ops.Scope | None = None) -> Any:
        return next(node for node in walk((scope or self.body).body) if type(node) is cls)


def change(attribute: str, value: object) -> Callable[[Any], None]:
    return lambda thing: setattr(thing, attribute, value)


def slot_of(parts: Parts, name: str) -> Any:
    return parts.body.frame.slots[name]


def slot_in_loop(parts: Parts, name: str) -> Any:
    *_, loop = (node for node in walk(parts.body.body) if type(node) is ops.For)
    return loop.frame.slots[name]


def local_of(parts: Parts, name: str) -> Any:
    return next(local for local in parts.first(ops.Import).locals if local.name == name)


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
    ("half a loop filter: no test", lambda p: change("test", None)(p.first(ops.For)), "some are missing"),
    (
        "half a loop filter: no target",
        lambda p: change("test_target", None)(p.first(ops.For)),
        "some are missing",
    ),
    (
        "site one too high",
        lambda p: change("site", len(p.body.positions))(p.first(ops.Load)),
        "is not one of the scope's",
    ),
    (
        "line site one too high",
        lambda p: p.body.lines.append(len(p.body.positions)),
        "`lines` has site",
    ),
    ("line site below zero", lambda p: p.body.lines.insert(0, -1), "`lines` has site -1"),
    ("branch site too high", lambda p: p.body.branches.append(999), "`branches` has site 999"),
    ("line 0", lambda p: p.body.positions.__setitem__(0, (0, 1, 0, 0)), "the position (0, 1, 0, 0)"),
    ("column -1", lambda p: p.body.positions.__setitem__(0, (3, 3, -1, 0)), "the position (3, 3, -1, 0)"),
    ("end column", lambda p: p.body.positions.__setitem__(0, (3, 3, 5, 4)), "the position (3, 3, 5, 4)"),
    ("parameters of a block", lambda p: p.body.parameters.append((slot_of(p, "m"), None)), "has parameters"),
    ("varargs of a block", lambda p: change("varargs", slot_of(p, "m"))(p.body), "has parameters"),
    ("kwargs of a block", lambda p: change("kwargs", slot_of(p, "m"))(p.body), "has parameters"),
    ("caller of a block", lambda p: change("caller", slot_of(p, "m"))(p.body), "has parameters"),
    (
        "context slot of another kind",
        lambda p: change("kind", ops.SlotKind.UNSET)(p.body.context["users"]),
        "is in the context under the name 'users'",
    ),
    (
        "context slot of another scope",
        lambda p: change("scope", p.macro)(p.body.context["users"]),
        "is in the context under the name 'users'",
    ),
    (
        "argument of no parameter",
        lambda p: p.macro.arguments.update({p.macro.frame.slots["c"]: p.macro.frame.slots["a"]}),
        "has an argument, but is no parameter",
    ),
    (
        "set on some paths only",
        lambda p: change("initialised", False)(slot_in_loop(p, "maybe")),
        "maybe:outer may be read before it is assigned",
    ),
    ("a macro as a caller", lambda p: change("kind", ops.ScopeKind.CALL)(p.macro), "a call is bound to"),
    (
        "import of nothing",
        lambda p: change("target", None)(p.first(ops.Import)),
        "either a target or names",
    ),
    ("import of both", lambda p: change("names", [])(p.first(ops.Import)), "either a target or names"),
    (
        "export of the template's slot from a block",
        lambda p: p.first(ops.Assign).export.append(p.root.frame.slots["title"]),
        "is exported from a scope that is not the template's",
    ),
    (
        "export of a block's slot from the template",
        lambda p: p.first(ops.Assign, p.root).export.append(slot_of(p, "maybe")),
        "is exported from a scope that is not the template's",
    ),
    (
        "export before the assignment",
        lambda p: p.first(ops.Assign, p.root).export.append(p.root.frame.slots["late"]),
        "late:unset is exported, but not assigned here",
    ),
    (
        "extends in a block",
        lambda p: p.body.body.append(p.first(ops.Extends, p.root)),
        "it is not in the template's body",
    ),
    (
        "local under another name",
        lambda p: change("name", "other")(p.first(ops.Import).locals[0]),
        "is handed on under the name 'other'",
    ),
    (
        "local that may be unset",
        lambda p: change("maybe_unset", False)(local_of(p, "maybe")),
        "maybe:unset is handed on as set, but may not be",
    ),
    (
        "frame slot renamed",
        lambda p: p.body.frame.slots.update(other=slot_of(p, "maybe")),
        "maybe:unset is in a frame under the name 'other'",
    ),
    (
        "frame slot of another scope",
        lambda p: change("scope", p.root)(slot_of(p, "maybe")),
        "maybe:unset of 'main' is in a frame of another scope",
    ),
    (
        "frame slot with the kind of the context",
        lambda p: change("kind", ops.SlotKind.CONTEXT)(slot_of(p, "maybe")),
        "is not the slot that the context has for the name",
    ),
    (
        "origin of an unset slot",
        lambda p: change("origin", p.body.context["users"])(slot_of(p, "maybe")),
        "maybe:unset has the origin users:context",
    ),
    (
        "bound slot in no frame",
        lambda p: p.first(ops.For).frame.slots.pop("u"),
        "is bound by the opener of a frame that does not have it",
    ),
    (
        "self in a macro",
        lambda p: change("kind", ops.SlotKind.SELF)(p.macro.frame.slots["c"]),
        "does not give it a value",
    ),
    (
        "super in the template",
        lambda p: change("kind", ops.SlotKind.SUPER)(p.root.frame.slots["late"]),
        "does not give it a value",
    ),
    (
        "self in the frame of a loop",
        lambda p: change("kind", ops.SlotKind.SELF)(p.first(ops.Enter).frame.slots["ns"]),
        "does not give it a value",
    ),
    (
        "assignment to another scope",
        lambda p: change("target", p.root.frame.slots["title"])(p.first(ops.Assign)),
        "title:unset of another scope is assigned",
    ),
    (
        "assignment out of sight",
        lambda p: change("target", p.first(ops.For).target)(p.first(ops.Assign)),
        "u:bound is assigned, but is in no frame around",
    ),
    (
        "long text without a line",
        lambda p: p.body.body.append(ops.Emit([ops.EmitText("x" * 41, -1)], False)),
        f"the text {'x' * 40!r} has the site -1",
    ),
    (
        "blank text with a line",
        lambda p: p.body.body.append(ops.Emit([ops.EmitText(" ", p.body.lines[0])], False)),
        "the text ' ' has the site",
    ),
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


def test_the_unchanged_program_is_valid() -> None:
    check_program(Parts().program)


@pytest.mark.parametrize(("breaks", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_changed_programs_are_refused(breaks: Callable[[Parts], Any], words: str) -> None:
    parts = Parts()
    breaks(parts)
    with pytest.raises(InvalidIR) as caught:
        check_program(parts.program)
    first = str(caught.value).splitlines()[0]
    assert words in first
    assert first.startswith("main: ")


def test_a_slot_that_all_paths_assign_is_assigned() -> None:
    parts = Parts()
    assert not slot_in_loop(parts, "either").initialised
    assert slot_in_loop(parts, "maybe").initialised


def test_the_message_names_the_file_of_a_template_without_a_name() -> None:
    broken = program("{{ a }}")
    broken.name = None
    broken.root.lines.append(999)
    with pytest.raises(InvalidIR, match="/templates/main: template 'main': `lines` has site 999"):
        check_program(broken)


def test_the_message_has_the_position_and_shows_the_scope() -> None:
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
