# ruff: noqa: E501
"""Every kind of Jinja2's nodes gives the output that it gives in Jinja2, on both back ends."""

from typing import Any

import jinja2
import pytest

import tmplmon

from .extensions import EXTENSIONS

TEMPLATES = {
    "const": "{% now %} {% numbers %} {% members %} {% line %}\n{% line %}",
    "const: a container is new each time": "{% for i in [1, 2] %}{% fresh %}{% endfor %}",
    "const: markup": "{% bold %}{{ '<b>' }}",
    "extension attribute": "{% attr %}",
    "imported name": "{% imported %}",
    "mark safe": "{% safe '<u>' %}{% safeif '<u>' %}{% autoescape not on %}{% safe '<' %}{% safeif '<' %}{% endautoescape %}",
    "template data in an expression": "{% joined x %}{{ '<' }}{% autoescape not on %}{% joined x %}{% endautoescape %}",
    "context": "{% set k = 3 %}{% names %}{% for i in [1] %}{% set j = 2 %}{% names %}{% endfor %}",
    "derived context": "{% set k = 3 %}{% for i in [1, 2] %}{% set j = i %}{% allnames %};{% endfor %}{% allnames %}",
    "derived context in a macro": "{% macro f(m) %}{% set j = 1 %}{% allnames %}{% endmacro %}{{ f(5) }}",
    "derived context in a call": "{% for i in [7] %}{% twice '-' %}{% allnames %}{% endtwice %}{% endfor %}",
    "internal name": "{% keep x ~ '!' %}{% keep 2 %}{% for i in [1, 2] %}{% keep i %}{% endfor %}",
    "internal name in a macro": "{% macro f(a) %}{% keep a %}{% endmacro %}{{ f('q') }}{% keep f(1) %}",
    "eval context modifier": "{{ '<' }}{% escape false %}{{ '<' ~ x }}{% set k = '<' %}{% escape true %}{{ '<' }}{{ k }}",
    "eval context modifier: blocks": "{% escape false %}{% block b %}{{ '<' }}{% endblock %}",
    "eval context modifier in a branch": "{% if x %}{% escape false %}{{ '<' }}{% endif %}{{ '<' }}",
    "eval context modifier: a variable": "{% escape not on %}{{ x }}{% escape on %}{{ html }}",
    "scoped modifier": "{% escaping false %}{{ '<' }}{% set k = '<' %}{% endescaping %}{{ k }}",
    "scoped modifier: nested": "{% escaping false %}{% escape true %}{{ '<' }}{% endescaping %}{{ '<' }}",
    "overlay": "{% set k = 1 %}{% overlay {'x': 'o', 'y': [1]} %}{{ x }}{{ k }}{% for i in y %}{{ i }}{% endfor %}"
    "{% endoverlay %}{{ x }}",
    "overlay: undefined name": "{% overlay {} %}{{ nothing is defined }}{{ x }}{% set x = 2 %}{{ x }}{% endoverlay %}{{ x }}",
    "overlay: what functions and loops see": "{% set x = 1 %}{% for k in [1] %}{% overlay {'i': 2, 'm': x} %}"
    "{% names %};{% set j = 3 %}{% names %}{% for i in [4, 5] %}{{ i }}{{ x }}{{ m }}{{ loop.last }}"
    "{% overlay {'x': i} %}{{ x }}{% names %}{% endoverlay %}{% endfor %}{% endoverlay %}{{ x }}{% endfor %}",
    "overlay: macros and call blocks": "{% overlay {'i': 1} %}{% macro f(m) %}{{ m }}{{ i }}{% endmacro %}{{ f(2) }}"
    "{% twice '-' %}{{ i }}{% endtwice %}{% endoverlay %}",
    "overlay: inheritance": "{% extends 'over' %}{% block b %}{% overlay {'i': 'child'} %}{{ i }}{% endoverlay %}"
    "{{ super() }}{% endblock %}",
    "overlay: escaping": "{% autoescape not on %}{% overlay {'i': '<'} %}{{ i }}{% endoverlay %}{% endautoescape %}"
    "{% overlay {'i': '<'} %}{{ i }}{% endoverlay %}",
    "scope": "{% set k = 1 %}{% scope %}{% set k = 2 %}{{ k }}{% endscope %}{{ k }}",
    "call block": "{% for i in [1, 2] %}{% twice ', ' %}{{ i }}<{{ html }}{% endtwice %};{% endfor %}",
    "call block with parameters": "{% each %}[{{ item }}]{% endeach %}",
    "filter block": "{% upper %}a{{ x }}{% endupper %}",
    "break": "{% for i in [1, 2, 3] %}{{ i }}{% if i == 2 %}{% stop %}{% endif %}{% endfor %}",
    "list of nodes": "a{% list %}b",
    "everything of the language": "{% now %}{% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller() if caller }}{% endmacro %}"
    "{% import 'part' as p %}{% from 'part' import q as r %}{{ p.q }}{{ r }}{% include ['none', 'part'] %}"
    "{% include 'none' ignore missing %}{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns.a }}"
    "{% set a, (b, c) = 1, (2, 3) %}{{ a }}{{ b }}{{ c }}{% set t | upper %}x{% endset %}{{ t }}"
    "{% with z = 1 %}{{ z }}{% endwith %}{% filter upper | lower %}Q{% endfilter %}{% call m(1) %}{% endcall %}"
    "{% for i in range(4) if (i is odd) recursive %}{{ loop.index }}{% else %}{% endfor %}"
    "{% for i in [] %}{% else %}e{% endfor %}{% if 0 %}{% elif x %}E{% else %}{% endif %}"
    "{{ 1 + 2 - 3 * 4 / 5 // 6 % 7 ** 2 }}{{ -1 }}{{ +1 }}{{ not x }}{{ x is not none and 1 < 2 <= 3 != 4 }}"
    "{{ 'b' in 'abc' or 'z' not in 'abc' }}{{ 'a' 'b' ~ 1 }}{{ [1, 2, 3][0:2] }}{{ {'a': 1}['a'] }}{{ (1, 2).0 }}"
    "{{ 'y' if x else 'n' }}{{ ('u' if not x) is undefined }}{{ dict(**{'a': 1}) }}{{ range(*[1, 2])|list }}",
    "raw and whitespace": "{% now -%}  {% raw %}{{ a }}{% endraw %}\n  {%- now %}\n",
}  # fmt: skip


def rendered(module: Any, template: str, **options: Any) -> str:
    environment = module.Environment(
        extensions=EXTENSIONS,
        autoescape=True,
        loader=module.DictLoader(
            {
                "part": "{% now %}{% set q = 1 %}",
                "over": "{% block b %}{% overlay {'i': 'base'} %}{{ i }}{% endoverlay %}{% endblock %}",
                "main": template,
            }
        ),
        **options,
    )
    return str(environment.get_template("main").render(x="X", on=True, html="<p>"))


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_as_in_jinja2(name: str, backend: str) -> None:
    template = TEMPLATES[name]
    assert rendered(tmplmon, template, backend=backend) == rendered(jinja2, template)


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_breaks_are_replaced_once(newline: Any) -> None:
    template = "{% now %}\n{{ 'a\nb' 'c\n' }}\n\n{% line %}x\n"
    expected = rendered(jinja2, template, newline_sequence=newline)
    assert rendered(tmplmon, template, newline_sequence=newline) == expected


# In an asynchronous environment the caller is a coroutine function, which these extensions do not await.
@pytest.mark.parametrize("name", [name for name in TEMPLATES if " call" not in f" {name}"])
def test_in_an_async_environment(name: str) -> None:
    template = TEMPLATES[name]
    assert rendered(tmplmon, template, enable_async=True) == rendered(jinja2, template)


def test_every_class_of_node_is_converted() -> None:
    from jinja2 import nodes

    from tmplmon.jinjaparser.convert import _STATEMENTS
    from tmplmon.jinjaparser.expressions import _EXPRESSIONS

    abstract = {
        nodes.Node,
        nodes.Stmt,
        nodes.Expr,
        nodes.Helper,
        nodes.BinExpr,
        nodes.UnaryExpr,
        nodes.Literal,
    }
    abstract |= {nodes._FilterTestCommon}
    # These only stand inside other nodes, which convert them.
    inside = {nodes.Template, nodes.Pair, nodes.Keyword}
    classes = {cls for cls in vars(nodes).values() if isinstance(cls, type) and issubclass(cls, nodes.Node)}
    assert classes - abstract - inside == {*_EXPRESSIONS, *_STATEMENTS} & classes
