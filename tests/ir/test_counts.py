"""The counts of a slot that the lowering keeps for the back ends."""

from .programs import program


def test_reads_of_attributes() -> None:
    context = program("{{ a.b }}{{ a.c.d }}{{ b.c }}{{ c }}{{ a.b }}{{ d['e'] }}").root.context
    assert {name: slot.attributes for name, slot in context.items()} == {"a": 3, "b": 1, "c": 0, "d": 0}


def test_assignments() -> None:
    slots = program("{% set a = 1 %}{% if a %}{% set a = 2 %}{% set b = 3 %}{% endif %}").root.frame.slots
    assert slots["a"].assigned == 2
    lowered = program("{% macro m() %}{% endmacro %}{% for x in y %}{% set z = x %}{% endfor %}")
    assert lowered.root.frame.slots["m"].assigned == 1
