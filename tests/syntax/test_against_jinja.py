"""Templates that Jinja2 accepts have the same tree. Templates that it rejects are rejected, on the same line."""

import warnings
from typing import Any

import jinja2
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from tmplmon.errors import TemplateAssertionError, TemplateSyntaxError
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.parser import parse, parse_expression
from tmplmon.syntax.source import Source

from .generate import templates
from .jinja_tree import ENVIRONMENT, jinja_tree, our_tree

SYNTAX = Syntax(tags=frozenset({"trans", "do", "break", "continue", "debug"}))

# The intended differences: (template, Jinja2's outcome, tmplmon's outcome, reason).
ACCEPTED, REJECTED = "accepted", "rejected"
DIFFERENCES = [
    ("{#", ACCEPTED, REJECTED, "a comment that is never closed is an error at the end of the text too"),
    ("{% raw %}", ACCEPTED, REJECTED, "and so is 'raw'"),
    ("{% macro m(a, a) %}{% endmacro %}", ACCEPTED, REJECTED, "Jinja2 fails later: Python refuses its code"),
    ("{{ f(a=1, a=2) }}", ACCEPTED, REJECTED, "Jinja2 fails later: Python refuses its code"),
    ("{% trans trimmed trimmed %}{% endtrans %}", ACCEPTED, REJECTED, "the word twice is no variable"),
    ("{{ 1\u0661 }}", ACCEPTED, REJECTED, "digits of numbers are 0 to 9, as in Python"),
]

EXPRESSIONS = """
a ; _ ; é ; if ; else ; in ; is ; and ; recursive ; a.if ; a.in ; f(if=1) ; f(not=1) ; a|is ; a is in
a is is
true ; True ; false ; False ; none ; None ; TRUE ; a.true ; f(none=1)
0 ; 00 ; 1_000 ; 0x1F ; 0X_ff ; 0o17 ; 0b1_0 ; 1__0 ; 0x ; 012 ; 1_ ; _1 ; 42abc
1.5 ; 1e3 ; 1E+3 ; 1.5e-3 ; 1_0.2_5e1_0 ; 1. ; .5 ; 1.e5 ; 1e ; 1.a ; 1.5.2
'a' ; "a" ; 'a' 'b' "c" ; '' ; 'it\\'s' ; "\\n\\t\\x41\\u00e9\\N{BULLET}\\\\" ; "\\d\\z" ; "é\\é" ; 'a\\
b' ; "\\x4" ; "\\u12" ; "\\N{no}" ; 'a ; "a' ; 'a'b
() ; (a) ; (a,) ; (a, b) ; (a, b,) ; (,) ; a, ; a, b ; a, b, ; , ; (a b) ; ((a))
[] ; [a] ; [a, b,] ; [,] ; [a,,] ; [a b] ; {} ; {a: b} ; {a: b, 'c': d,} ; {a} ; {a:} ; {:b} ; {a: b c: d}
{,}
a.b ; a.b.c ; a.0 ; a.0.1 ; a.1.b ; a. ; a.'b' ; a[0] ; a[b].c ; a['b']['c'] ; a[] ; a[1,] ; a[1, 2]
a.b()[0]
a[:] ; a[1:] ; a[:1] ; a[1:2] ; a[::] ; a[1::2] ; a[:1:2] ; a[1:2:3] ; a[1:2:3:4] ; a[1:2, ::3] ; a[:,]
a[b:c]
f() ; f(a) ; f(a,) ; f(,) ; f(a, b=1) ; f(a=1, b) ; f(*a) ; f(**a) ; f(*a, b=1) ; f(*a, b) ; f(**a, b=1)
f(*a, *b) ; f(**a, **b) ; f(a=1, *b) ; f(**a, *b) ; f(*) ; f(**) ; f(a b) ; f(a=) ; f(=a) ; f(a)(b) ; f(1=2)
f(a.b=1)
a|b ; a|b|c ; a|b() ; a|b(1, c=2) ; a|b.c ; a|b.c.d(1) ; a|b()() ; a|b.c()(1) ; a|b[0] ; a|b().c ; a| ; |b
a||b
a|1 ; a|'b' ; a|b(*c, **d) ; a.b|c ; f(a)|c ; (a|b).c
a is b ; a is not b ; a is b.c ; a is b c ; a is b 1 ; a is b 'c' 'd' ; a is b [1] ; a is b {} ; a is b (c)
a is b(c)
a is b c.d ; a is b c(1) ; a is b c[0].d ; a is b c|d ; a is b and c ; a is b or c ; a is b -1 ; a is b not c
a is b is c ; a is b(1) is c ; a is b c is d ; (a is b) is c ; a is not b c ; a is ; a is not ; a is 1
a is not not b
a is b if c ; (a if b is c else d) ; a is b else c ; a is b in c ; a is b not in c ; a is b == c
a is b + c ; a|b is c|d
a is b recursive ; a is b(1)(2) ; a is b.c.d(1) ; not a is b ; -a is b ; a is b c d
-a ; +a ; --a ; -+a ; -a.b ; -a|b ; -1|abs ; -f(1) ; - ; -not a ; not a ; not not a ; not ; not -a
not a == b
a + b ; a - b - c ; a + b * c ; (a + b) * c ; a * b / c // d % e ; a ** b ; a ** b ** c ; 2**-1 ; -2**2
a ** -b|c
a ~ b ; a ~ b ~ c ; (a ~ b) ~ c ; a ~ b|c ; a ~ b + c ; a + b ~ c ; a * b ~ c ; ~a ; a ~ ; a + ; * a ; a //
a %
a == b ; a != b ; a < b ; a <= b ; a > b ; a >= b ; a < b < c ; a == (b == c) ; a in b ; a not in b
a in b in c
a not in b not in c ; a not b ; not a in b ; a == not b ; a = b ; a <> b ; a === b ; a + b < c + d ; a in
a and b ; a or b ; a or b and c ; not a and b ; a and not b ; a and ; or a ; a && b ; a || b ; a & b ; !a
a ; and b
a if b ; a if b else c ; a if b else c if d else e ; a if b if c ; a if b if c else d ; a if ; a if b else
a else b
(a if b else c) if d else e ; a if b or c else d ; a or b if c else d ; a if b, c ; a|b if c is d else e|f
x if not y
lambda x: x ; a := b ; a; b ; a ? b : c ; a@b ; $a ; a` ; {{ a }} ; [a for a in b] ; *a ; **a ; a.b = c
a -- b
"""

STATEMENTS = """
{% if a %}b{% endif %}
{% if a %}b{% elif c %}d{% elif e %}f{% else %}g{% endif %}
{% if a: %}{% elif b: %}{% else: %}{% endif %}
{% if a, b %}{% endif %}
{% if a, %}{% endif %}
{% if a,: %}{% endif %}
{% if %}{% endif %}
{% if a if b %}{% endif %}
{% if a %}{% else %}{% else %}{% endif %}
{% if a %}{% else %}{% elif b %}{% endif %}
{% if a %}{% else b %}{% endif %}
{% if a %}{% endif a %}
{% if a %}
{% if a %}{% endfor %}
{% for a in b %}{% endif %}{% endfor %}
{% endif %}
{% else %}
{% elif a %}
{% if a %}{% for b in c %}{% endif %}{% endfor %}
{% for a in b %}{% endfor %}
{% for a in b %}c{% else %}d{% endfor %}
{% for a in b recursive %}{% endfor %}
{% for a in b if c %}{% endfor %}
{% for a in b if c recursive %}{% endfor %}
{% for a in b recursive if c %}{% endfor %}
{% for a in b if c if d else e %}{% endfor %}
{% for a in b if c else d %}{% endfor %}
{% for a, b in c %}{% endfor %}
{% for a, (b, (c, d)) in e %}{% endfor %}
{% for (a, b), in c %}{% endfor %}
{% for (a) in b %}{% endfor %}
{% for () in b %}{% endfor %}
{% for a, in b %}{% endfor %}
{% for a in b, c %}{% endfor %}
{% for a in b, %}{% endfor %}
{% for a in b, c recursive: %}{% endfor %}
{% for in in in %}{% endfor %}
{% for a in recursive %}{% endfor %}
{% for recursive in recursive recursive %}{% endfor %}
{% for a in b if x is defined recursive %}{% endfor %}
{% for if in else %}{% endfor %}
{% for true in b %}{% endfor %}
{% for a, none in b %}{% endfor %}
{% for 1 in b %}{% endfor %}
{% for 'a' in b %}{% endfor %}
{% for [a, b] in c %}{% endfor %}
{% for a.b in c %}{% endfor %}
{% for a[0] in c %}{% endfor %}
{% for a of b %}{% endfor %}
{% for a %}{% endfor %}
{% for a in %}{% endfor %}
{% for %}{% endfor %}
{% for a in b in c %}{% endfor %}
{% for a in b or c %}{% endfor %}
{% for a in b -%}x{%- endfor %}
{% set a = b %}
{% set a = b, c %}
{% set a = b, %}
{% set a, b = c %}
{% set a, = b %}
{% set (a, b) = c %}
{% set (a, b), c = d %}
{% set a.b = c %}
{% set a.b, c.d = e %}
{% set (a.b, c) = d %}
{% set a.b.c = d %}
{% set a[0] = b %}
{% set f() = b %}
{% set true = b %}
{% set none.a = b %}
{% set a = %}
{% set = b %}
{% set a == b %}
{% set 1 = b %}
{% set a = b = c %}
{% set a %}b{% endset %}
{% set a: %}b{% endset %}
{% set a, %}b{% endset %}
{% set a, b %}b{% endset %}
{% set a.b %}c{% endset %}
{% set a|b %}c{% endset %}
{% set a | b(1) | c.d %}e{% endset %}
{% set a|b: %}c{% endset %}
{% set a b %}{% endset %}
{% set a|b = c %}{% endset %}
{% set a %}
{% set %}{% endset %}
{% set set = set %}
{% with %}a{% endwith %}
{% with a=1 %}b{% endwith %}
{% with a=1, b=2 %}{% endwith %}
{% with a, b = 1, c = 2 %}{% endwith %}
{% with (a, b) = c %}{% endwith %}
{% with a=1, %}{% endwith %}
{% with a=1: %}{% endwith %}
{% with a %}{% endwith %}
{% with a.b = 1 %}{% endwith %}
{% with a=1 b=2 %}{% endwith %}
{% macro a() %}b{% endmacro %}
{% macro a(): %}b{% endmacro %}
{% macro a(b, c=1, d=[2]) %}{% endmacro %}
{% macro a(b=1, c) %}{% endmacro %}
{% macro a(b,) %}{% endmacro %}
{% macro a(,) %}{% endmacro %}
{% macro a(*b) %}{% endmacro %}
{% macro a(b c) %}{% endmacro %}
{% macro a(true) %}{% endmacro %}
{% macro a((b, c)) %}{% endmacro %}
{% macro a %}{% endmacro %}
{% macro () %}{% endmacro %}
{% macro none() %}{% endmacro %}
{% macro a.b() %}{% endmacro %}
{% macro if(in, is=not) %}{% endmacro %}
{% macro a() %}{% endmacro a %}
{% call a() %}b{% endcall %}
{% call a(1)(2): %}b{% endcall %}
{% call(a) b() %}c{% endcall %}
{% call (a, b=1) c.d(e) %}{% endcall %}
{% call() a() %}{% endcall %}
{% call a %}{% endcall %}
{% call a()|b %}{% endcall %}
{% call a|b(1) %}{% endcall %}
{% call a|b(1)(2) %}{% endcall %}
{% call (a)() %}{% endcall %}
{% call(a=1, b) c() %}{% endcall %}
{% call(a,) c() %}{% endcall %}
{% call a() + 1 %}{% endcall %}
{% call %}{% endcall %}
{% filter a %}b{% endfilter %}
{% filter a|b(1)|c.d %}e{% endfilter %}
{% filter a.b(1): %}e{% endfilter %}
{% filter %}{% endfilter %}
{% filter |a %}{% endfilter %}
{% filter a() b %}{% endfilter %}
{% filter 1 %}{% endfilter %}
{% block a %}b{% endblock %}
{% block a %}b{% endblock a %}
{% block a %}b{% endblock b %}
{% block a scoped %}{% endblock %}
{% block a required %} {# c #} {% endblock %}
{% block a required %}{% endblock %}
{% block a scoped required: %}{% endblock a %}
{% block a required scoped %}{% endblock %}
{% block a required %}b{% endblock %}
{% block a required %}{{ b }}{% endblock %}
{% block a required %}{% if b %}{% endif %}{% endblock %}
{% block a scoped scoped %}{% endblock %}
{% block scoped %}{% endblock %}
{% block scoped scoped %}{% endblock scoped %}
{% block required %}x{% endblock %}
{% block a-b %}{% endblock %}
{% block 'a' %}{% endblock %}
{% block %}{% endblock %}
{% block a b %}{% endblock %}
{% block a.b %}{% endblock %}
{% extends a %}
{% extends 'a' if b else 'c' %}
{% extends %}
{% extends a b %}
{% extends a: %}
{% include 'a' %}
{% include ['a', b] %}
{% include a ignore missing %}
{% include a with context %}
{% include a without context %}
{% include a ignore missing with context %}
{% include a ignore missing without context %}
{% include a with context ignore missing %}
{% include a ignore %}
{% include a missing %}
{% include a with %}
{% include a without context with context %}
{% include ignore ignore missing %}
{% include a is b ignore missing %}
{% include a, b %}
{% include %}
{% import a as b %}
{% import 'a' as b with context %}
{% import 'a' as b without context %}
{% import a %}
{% import a as %}
{% import a as 'b' %}
{% import a as b, c %}
{% import a as true %}
{% import as as as %}
{% from a import b %}
{% from a import b, c as d, e %}
{% from a import b as c with context %}
{% from a import b, c without context %}
{% from a import b, with context %}
{% from a import with context %}
{% from a import with, without context %}
{% from a import with as without with context %}
{% from a import b, %}
{% from a import %}
{% from a import _b %}
{% from a import b as _c %}
{% from a import b as %}
{% from a import b c %}
{% from a import * %}
{% from a import b as true %}
{% from a import none as b %}
{% from a import 'b' %}
{% from import import import %}
{% from a %}
{% autoescape true %}a{% endautoescape %}
{% autoescape a if b: %}c{% endautoescape %}
{% autoescape %}{% endautoescape %}
{% autoescape a, b %}{% endautoescape %}
{% print a %}
{% print a, b|c %}
{% print %}
{% print a, %}
{% print a b %}
{% do a.b() %}
{% do a, b %}
{% do %}
{% break %}
{% for a in b %}{% break %}{% continue %}{% endfor %}
{% break a %}
{% trans %}a{% endtrans a %}
{% raw %}{{ a }}{% b %}{# c #}{% endraw %}
{%- raw -%} a {%- endraw -%} b
{% raw a %}{% endraw %}
{% endraw %}
{% bogus %}
{% end %}
{% %}
{% 1 %}
{% 'a' %}
{% if
{%
{{
{{ a
{{ a }
{{ a %}
{{ a }}}
{ { a } }
%}}}#}
{{}}
{{ }}
{{{}}}
{{ {} }}
{{ {'a': {}}}}
{{-a-}}
{{+a}}
{{ a +}}
{%+ if a +%}{%+ endif +%}
{% if-a %}{% endif %}
{%if(a)%}{%endif%}
a {# b #} c {#- d -#} e {#+ f +#} g
a {# b {# c #} d #} e
{# {{ a }} #}
{#
"""

TRANS = """
{% trans %}a{% endtrans %}
{% trans %}a {{ b }} c{% endtrans %}
{% trans a %}{{ a }}{% endtrans %}
{% trans a=1, b=c.d, e %}{{ a }}{% pluralize %}{{ b }}{% endtrans %}
{% trans a=1, b %}{{ a }}{% pluralize b %}{{ b }}{% endtrans %}
{% trans %}{{ a }}{% pluralize %}{{ b }}{% endtrans %}
{% trans "ctx" %}a{% endtrans %}
{% trans "ctx" a=1, b %}a{% endtrans %}
{% trans "ctx", a %}a{% endtrans %}
{% trans "a" "b" %}{% endtrans %}
{% trans trimmed %}a{% endtrans %}
{% trans trimmed a=1 %}a{% endtrans %}
{% trans notrimmed a, b %}a{% endtrans %}
{% trans "c" trimmed a %}{% endtrans %}
{% trans trimmed, a %}{% endtrans %}
{% trans a, : %}{% endtrans %}
{% trans a=1, : %}{% endtrans %}
{% trans "c" trimmed a, notrimmed, : %}{% endtrans %}
{% trans : %}{% endtrans %}
{% trans "c" : %}{% endtrans %}
{% trans a: %}{% endtrans %}
{% trans a, trimmed: %}{% endtrans %}
{% trans , : %}{% endtrans %}
{% trans a, : : %}{% endtrans %}
{% trans a, :, b %}{% endtrans %}
{% trans a %}{% pluralize : %}{% endtrans %}
{% trans a %}{% pluralize a : %}{% endtrans %}
{% trans a %}{% endtrans : %}
{% trans a, trimmed %}{% endtrans %}
{% trans a, trimmed, b %}{% endtrans %}
{% trans a trimmed %}{% endtrans %}
{% trans trimmed=1 %}{% endtrans %}
{% trans trimmed, notrimmed %}{% endtrans %}
{% trans: %}a{% endtrans %}
{% trans a: %}{% endtrans %}
{% trans a, %}{% endtrans %}
{% trans a b %}{% endtrans %}
{% trans a=1, a=2 %}{% endtrans %}
{% trans a, a %}{% endtrans %}
{% trans 1 %}{% endtrans %}
{% trans true %}{% endtrans %}
{% trans a.b %}{% endtrans %}
{% trans %}{{ a.b }}{% endtrans %}
{% trans %}{{ a|b }}{% endtrans %}
{% trans %}{{ 1 }}{% endtrans %}
{% trans %}{{ if }}{% endtrans %}
{% trans %}{% if a %}{% endif %}{% endtrans %}
{% trans %}{% trans %}a{% endtrans %}
{% trans %}a{% pluralize %}b{% endtrans %}
{% trans a %}b{% pluralize c %}d{% endtrans %}
{% trans a %}b{% pluralize %}c{% pluralize %}d{% endtrans %}
{% trans a %}b{% pluralize a b %}c{% endtrans %}
{% trans %}a
{% trans %}100%{% raw %}{{ x }}%{% endraw %}{# c #}{% endtrans %}
{% endtrans %}
{% pluralize %}
{% debug %}
{% debug a %}
"""

# Templates with errors, whose tags and texts span lines.
LINES = [
    "a\n\n{{ b c }}",
    "{{ a\n b }}",
    "{{\n\n}}",
    "{% if a %}\nb\n\nc",
    "{% if a %}\n{{ b }}\n",
    "{% if a\n%}b",
    "a\n{#\nb\n",
    "a\n{% raw\n%}\nb",
    "{{ 'a\nb' c }}",
    "{{ '\n\n' }}{{ 'a }}",
    "{{ f(\n1,\nb=2,\n3) }}",
    "{{ (\n1\n }}",
    "{% for a in b %}\n{% else %}\n{% else %}\n{% endfor %}",
    "{% macro a(b=1,\nc) %}{% endmacro %}",
    "{% block a\n required %}\nb\n{% endblock\n %}",
    "{%\nbogus\n%}",
    "{%\n\n%}",
    "{% call\na %}{% endcall %}",
    "{%- if a -%}\n\n{%- bogus -%}",
    "a \n\n {%- bogus %}",
    "{% trans a %}\n{% pluralize\nb %}{% endtrans %}",
    "{% trans %}\n\n{% pluralize %}\n{% endtrans %}",
    "\r\n\r{{ b c }}",
    "\n\n",
    "{% raw %}\n\n{% endraw %}\n{{ b c }}",
    "{# \n #}{{ b c }}",
]

LINE_STATEMENTS = [
    "# if a\nb\n# endif",
    "# if a:\nb\n# endif\n",
    "  # if a\nb\n  # endif  \n\n\nc",
    "# for a in (b,\n  c):\n{{ a }} ## d\n# endfor",
    "# for a in b\n\n   # if c\nd\n   # endif\n# endfor\n",
    "## a\nb ## c\n##",
    "#- if a\nb\n#- endif",
    "a # if b",
    "# if a\nb\n",
    "# bogus",
    "#\n# if a",
    "# if a ## b\nc\n# endif",
    "# set a = 'b\nc'\nd",
    "# set a = 1\n{% if b %}\n# endif",
    "# if a b\nc",
    "# call(a) b()\nc\n# endcall\nd",
    "# raw\n{{ a }}\n# endraw",
]


def outcome(parse_it: Any, tree: Any, error: type[Exception]) -> Any:
    """("line", number) of an error, or the tree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jinja2 raises it for a backslash that does not begin an escape
        try:
            return tree(parse_it())
        except error as failure:
            return "line", failure.lineno  # type: ignore[attr-defined]


def check(template: str, environment: jinja2.Environment = ENVIRONMENT, syntax: Syntax = SYNTAX) -> None:
    compare_trees = "trans" not in template and "debug" not in template
    theirs = outcome(
        lambda: environment.parse(template), jinja_tree if compare_trees else bool, jinja2.TemplateSyntaxError
    )
    ours = outcome(
        lambda: parse(Source(template), syntax), our_tree if compare_trees else bool, TemplateSyntaxError
    )
    assert ours == theirs


@pytest.mark.parametrize(
    "expression", [item for line in EXPRESSIONS.split("\n") for item in line.split(" ; ")]
)
def test_expression(expression: str) -> None:
    check("{{ " + expression + " }}")
    check("{% set x = " + expression + " %}")
    check("{% if " + expression + " %}{% endif %}")


@pytest.mark.parametrize("template", (STATEMENTS + TRANS).strip().replace("{#\n", "").split("\n"))
def test_statement(template: str) -> None:
    check(template)


@pytest.mark.parametrize("template", LINES)
def test_line(template: str) -> None:
    check(template)


@pytest.mark.parametrize("trim", [False, True])
@pytest.mark.parametrize("template", LINE_STATEMENTS)
def test_line_statement(template: str, trim: bool) -> None:
    options: Any = {
        "line_statement_prefix": "#",
        "line_comment_prefix": "##",
        "trim_blocks": trim,
        "lstrip_blocks": trim,
    }
    check(template, jinja2.Environment(**options), Syntax(**options))


@given(templates())
@examples(600)
def test_generated(template: str) -> None:
    check(template)


@st.composite
def operator_trees(draw: st.DrawFn, depth: int = 0) -> str:
    """Expressions that are mostly correct, to compare the precedence of operators."""
    if depth > 3 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(["a", "b", "1", "'s'", "2.5", "none", "x1", "[]", "()", "{}", "1_0"]))
    form = draw(
        st.sampled_from(
            [
                *(
                    "{} + {}",
                    "{} - {}",
                    "{} * {}",
                    "{} // {}",
                    "{} % {}",
                    "{} ** {}",
                    "{} ~ {}",
                    "-{}",
                    "+{}",
                ),
                *(
                    "not {}",
                    "{} and {}",
                    "{} or {}",
                    "{} < {}",
                    "{} in {}",
                    "{} not in {}",
                    "({})",
                    "({}, {})",
                ),
                *(
                    "{} if {} else {}",
                    "{} if {}",
                    "{}|f",
                    "{}|f({})",
                    "{}|f.g(a={})",
                    "{} is t",
                    "{} is not t",
                ),
                *(
                    "{} is t {}",
                    "{} is t({})",
                    "{}.x",
                    "{}.0",
                    "{}[{}]",
                    "{}[{}:]",
                    "{}({}, *{}, b={}, **{})",
                ),
            ]
        )
    )
    while "{}" in form:
        form = form.replace("{}", draw(operator_trees(depth + 1)).replace("{}", "{ }"), 1)
    return form


@given(operator_trees())
@examples(600)
def test_operator_precedence(expression: str) -> None:
    check("{{ " + expression + " }}")


@pytest.mark.parametrize(("template", "theirs", "ours", "reason"), DIFFERENCES)
def test_difference(template: str, theirs: str, ours: str, reason: str) -> None:
    assert reason
    rejected = outcome(lambda: ENVIRONMENT.parse(template), bool, jinja2.TemplateSyntaxError) is not True
    assert rejected == (theirs == REJECTED)
    rejected = outcome(lambda: parse(Source(template), SYNTAX), bool, TemplateSyntaxError) is not True
    assert rejected == (ours == REJECTED)


@pytest.mark.parametrize(
    "expression", ["a", " a\n", "a if b else c", "a, b", "a b", "", "a }}", "{{ a }}", "(a", "a $"]
)
def test_standalone_expression(expression: str) -> None:
    theirs = outcome(lambda: ENVIRONMENT.compile_expression(expression), bool, jinja2.TemplateSyntaxError)
    ours = outcome(lambda: parse_expression(Source(expression)), bool, TemplateSyntaxError)
    assert ours == theirs


@pytest.mark.parametrize(
    "template",
    [
        "{% from a import _b %}",
        "{% trans a, a %}{% endtrans %}",
        "{% trans a %}b{% pluralize c %}d{% endtrans %}",
    ],
)
def test_assertion_errors_have_a_separate_class(template: str) -> None:
    with pytest.raises(jinja2.TemplateAssertionError):
        ENVIRONMENT.parse(template)
    with pytest.raises(TemplateAssertionError):
        parse(Source(template), SYNTAX)


@pytest.mark.parametrize("tag", ["do a", "break", "continue", "debug", "trans %}{% endtrans"])
def test_optional_tags_are_off(tag: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="is not enabled"):
        parse(Source("{% " + tag + " %}"))
