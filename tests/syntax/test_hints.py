"""What newcomers write, and the hint that they get: each row of the tables has a case."""

import pytest

from tmplmon import Environment, TemplateSyntaxError
from tmplmon.syntax.hints import IN_TAGS, UNKNOWN_TAGS

INCLUDE = (
    "an included template sees all variables; set others with {% with x=1 %}{% include 'a' %}{% endwith %}"
)
CASES = {
    "{% block a-b %}{% endblock %}": "the name of a block cannot contain a hyphen; an underscore is fine",
    "{% if {{ x }} %}{% endif %}": "inside a tag, a variable is written without '{{' and '}}'",
    "{% set x = {{ y }} %}": "inside a tag, a variable is written without '{{' and '}}'",
    "{% for x in {{ xs }} %}{% endfor %}": "inside a tag, a variable is written without '{{' and '}}'",
    "{% set x += 1 %}": "there are no assignments such as '+=' or '++'; write {% set x = x + 1 %}",
    "{% x += 1 %}": "there are no assignments such as '+=' or '++'; write {% set x = x + 1 %}",
    "{{ [x for x in xs] }}": "there are no comprehensions; use the filters map and select, or a loop",
    "{% set y = [x for x in y if x] %}": "there are no comprehensions; use the filters map and select, or a loop",
    "{{ {k: v for k, v in d} }}": "there are no comprehensions; use the filters map and select, or a loop",
    "{{ xs|map(lambda x: x.a) }}": "there is no 'lambda'; write a macro, or pass a function to the template",
    "{% if a && b %}{% endif %}": "write 'and'",
    "{% if a || b %}{% endif %}": "write 'or'",
    "{% if !x %}{% endif %}": "write 'not'",
    "{% if a != b %}{% elseif b %}{% endif %}": "write 'elif'",
    "{% if a %}{% else if b %}{% endif %}": "write 'elif'",
    "{% if a %}{% elsif b %}{% endif %}": "write 'elif'",
    "{% if a %}{% end %}": "write 'endif' for the 'if' opened on line 1",
    "{% for a in b %}{% end %}": "write 'endfor' for the 'for' opened on line 1",
    '{{ f"a{x}" }}': "a string has no prefix; join texts with '~', as in 'a' ~ x",
    "{{ f'a' }}": "a string has no prefix; join texts with '~', as in 'a' ~ x",
    "{{ r'a' }}": "a string has no prefix; join texts with '~', as in 'a' ~ x",
    "{{ a === b }}": "'==' compares",
    "{{ a !== b }}": "'!=' compares",
    "{{ x is null }}": "write 'none'",
    "{{ a ? b : c }}": "write 'a if condition else b'",
    "{{ a ?: b }}": "write 'a if condition else b'",
    "{{ a ?? b }}": "write default(), as in x|default('a')",
    "{{ a?.b }}": "write '.'; an attribute of an undefined value needs ChainableUndefined, or a test before",
    "{% for x in y %}{% endfor x %}": "an end tag has nothing but its name",
    "{% if x %}{% endif x %}": "an end tag has nothing but its name",
    "{% macro m() %}{% endmacro m() %}": "an end tag has nothing but its name",
    "{{ if x then y else z }}": "write {{ a if condition else b }}, or {% if condition %}",
    "{{ if x: y else: z }}": "write {{ a if condition else b }}, or {% if condition %}",
    "{{{ x }}}": "an output has two braces, as in {{ x }}",
    "{% load static %}": "tags and filters are added to the environment; leave it out",
    "{% url 'name' arg %}": "call a function in an output, as in {{ url('name') }} or {{ url_for('name') }}",
    "{% static 'a.css' %}": "call a function in an output, as in {{ static('a.css') }}",
    "{% csrf_token %}": "write {{ csrf_input }} with Django",
    "{% comment %}x{% endcomment %}": "write comments between the comment delimiters",
    '{{ d|date:"Y" }}': "the arguments of a filter are in parentheses, as in default('a')",
    '{{ x|default:"a" }}': "the arguments of a filter are in parentheses, as in default('a')",
    "{% ifequal a b %}{% endifequal %}": "write {% if a == b %}",
    "{% with x as y %}{% endwith %}": "write {% with name=value %}",
    "{% for x of xs %}{% endfor %}": "write 'in'",
    "{% foreach x in xs %}{% endforeach %}": "write 'for'",
    "{% while x %}{% endwhile %}": "there is only 'for'",
    "{% set x: 1 %}": "assign with {% set x = 1 %}",
    "{% set x 1 %}": "assign with {% set x = 1 %}",
    "{% let x = 1 %}": "write 'set'",
    "{% var x = 1 %}": "write 'set'",
    "{% assign x = 1 %}": "write 'set'",
    "{% x = 1 %}": "assign with {% set x = 1 %}",
    "{{ x = 1 }}": "'==' compares",
    "{{ x; }}": "a tag ends without ';'",
    "{% if x then %}{% endif %}": "there is no 'then'; the condition ends with the tag",
    "{% if x = 1 %}{% endif %}": "'==' compares",
    "{% include 'a' with x=1 %}": INCLUDE,
    "{% include 'a', x=1 %}": INCLUDE,
    "{% import 'a' %}": "give the template a name, as in {% import 'a' as a %}",
    "{% from 'a' import * %}": "name what is imported, or write {% import 'a' as a %}",
    "{% from 'a' import b() %}": "a macro is imported by its name, without parentheses",
    "{% block 'a' %}{% endblock %}": "the name of a block is not quoted",
    "{% macro m %}{% endmacro %}": "a macro has parentheses, as in {% macro name() %}",
    "{% if a <> b %}{% endif %}": "write '!='",
    "{% if a =< b %}{% endif %}": "write '<='",
    "{% if a => b %}{% endif %}": "write '>='",
    "{{ a->b }}": "write '.' for an attribute",
    "{{ a::b }}": "write '.' for an attribute",
    "{{ $a }}": "a variable is written without '$'",
    "{{ x | truncate 5 }}": "the arguments of a filter are in parentheses, as in default('a')",
    "{{ x++ }}": "there are no assignments such as '+=' or '++'; write {% set x = x + 1 %}",
    "{% do x += 1 %}": "add the extension 'tmplmon.ext.do' to the environment",
    "{% return x %}": "a macro returns its output; use {% set %} or a function of the application for other values",
    "{% break %}": "add the extension 'tmplmon.ext.loopcontrols' to the environment",
    "{% super() %}": "call it in an output: {{ super() }}",
    "{{ x|length > 3 ? 'a' : 'b' }}": "write 'a if condition else b'",
    "{% case x %}": "write 'elif'",
    "{% switch x %}": "write 'if' and 'elif'",
    "{% unless x %}{% endunless %}": "write 'if not'",
    "{% empty %}": "write 'else' for the body of a 'for' that had nothing to loop over",
    "{% for x in y %}{% empty %}{% endfor %}": "write 'else' for the body of a 'for' that had nothing to loop over",
    "{% blocktrans %}x{% endblocktrans %}": "write 'trans'",
    '{% trans "x" %}': "add the extension 'tmplmon.ext.i18n' to the environment",
    '{% now "Y" %}': "a tag of Django that has no counterpart here; pass the date to the template",
    "{% spaceless %}x{% endspaceless %}": "remove white space with '-', as in {%- if x -%}",
    "{% cycle 'a' 'b' %}": "call loop.cycle() or a cycler() in an output",
    "{% firstof a b %}": "write {{ a or b }}",
    "{% verbatim %}{% endverbatim %}": "write 'raw'",
    '{% include "a" only %}': "write 'without context'",
    "{{ a if b else if c }}": "chain conditions as in: a if x else b if y else c",
    "{{ a else b }}": "write {{ a if condition else b }}",
    "{{ import os }}": "a template cannot import Python modules; pass functions to it",
    "{{ x|safe; }}": "a tag ends without ';'",
    "{{ await x }}": "an asynchronous environment awaits calls without 'await'",
    "{{ x := 1 }}": "assign with {% set x = 1 %}",
    "{{ {a = 1} }}": "'==' compares",
    "{{ func(a: 1) }}": "a keyword argument is written name=value",
    "{% try %}": "a template has no statements of Python; pass functions to it",
    "{% throw %}": "a template has no statements of Python; pass functions to it",
    "{% function f() %}": "write 'macro'",
    "{% def f() %}": "write 'macro'",
    "{% render 'x' %}": "write 'include'",
    "{% partial 'x' %}": "write 'include'",
    "{% yield %}": "call caller() or a block in an output",
    "{% layout 'x' %}": "write 'extends'",
    "{% if x %}{% else %}{% else %}{% endif %}": "expected 'endif'",
    "{% if x %}{% else %}{% elif y %}{% endif %}": "expected 'endif'",
    "{% for x in xs %}{% else %}{% else %}{% endfor %}": "expected 'endfor'",
}


def hint(template: str, **options: str) -> str | None:
    with pytest.raises(TemplateSyntaxError) as failure:
        Environment(**options).from_string(template)  # type: ignore[arg-type]
    return failure.value.hint


@pytest.mark.parametrize("template", CASES)
def test_hint(template: str) -> None:
    assert hint(template) == CASES[template]


def test_each_row_has_a_case() -> None:
    assert {row.text for row in IN_TAGS} <= set(CASES.values())


@pytest.mark.parametrize("name", UNKNOWN_TAGS)
def test_unknown_tag(name: str) -> None:
    assert hint(f"{{% {name} x %}}") == UNKNOWN_TAGS[name]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<% if a %><% else if b %><% endif %>", "write 'elif'"),
        ("<% import 'a' %>", "give the template a name, as in {% import 'a' as a %}"),
        ("<< if x: y else: z >>", "write {{ a if condition else b }}, or {% if condition %}"),
    ],
)
def test_other_delimiters(template: str, expected: str) -> None:
    delimiters = {"block_start_string": "<%", "block_end_string": "%>"}
    assert hint(template, variable_start_string="<<", variable_end_string=">>", **delimiters) == expected


def test_no_hint_without_a_mistake_that_is_known() -> None:
    assert hint("{{ a b }}") is None
    assert hint("{% if %}") is None
    assert hint("{% nothing_like_it %}") is None


def test_a_long_tag() -> None:
    assert hint("{% set x = '" + "a" * 100_000 + "' && b %}") == "write 'and'"
    assert hint("{{ f(" + "a, " * 100_000 + "b: 1) }}") == "a keyword argument is written name=value"
