"""Extraction of messages: the same as with Jinja2, in the same order, with the same lines and comments."""

from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
import jinja2.ext
import pytest
from cases import casefile

import tmplmon
from tmplmon.extract import GETTEXT_FUNCTIONS, babel_extract, extract_from_ast

EXTENSIONS = ["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"]
CASES = sorted((Path(__file__).parent / "cases").glob("*/*.txt"))

TEMPLATES = [
    "{% trans %}100%{% endtrans %}",
    "{% trans n=1 %}100%{% endtrans %}",
    "{% trans n=1 %}100%{{ n }}{% endtrans %}",
    "{% trans %}{{ a }}{{ b }}{{ a }}{% endtrans %}",
    "{% trans n=1 %}1%{% pluralize %}2%{% endtrans %}",
    "{% trans n=1 %}1%{% pluralize %}2%{{ n }}{% endtrans %}",
    "{% trans n=1 %}1%{{ n }}{% pluralize %}2%{% endtrans %}",
    "{% trans n='5' %}a{% pluralize %}b{% endtrans %}",
    "{% trans num=1 %}a{{ num }}{% pluralize %}b{% endtrans %}",
    "{% trans m=1, num=2 %}a{{ num }}{% pluralize %}b{% endtrans %}",
    "{% trans m=1, num=2 %}a{{ num }}{% pluralize num %}b{% endtrans %}",
    "{% trans n=_('x') %}a{{ n }}{% pluralize %}b{% endtrans %}",
    "{% trans n=_('x') %}a{{ n }}{% endtrans %}",
    "{% trans n=[_('x')]|length, m=_('y') %}a{{ n }}{% pluralize %}b{% endtrans %}",
    "{% trans n=_('x'), m=_('y') %}a{{ n }}{% pluralize m %}b{% endtrans %}",
    "{% trans n, m=_('y') %}a{{ n }}{% endtrans %}",
    "{% trans num=_('y')|length %}a{{ num }}{% pluralize %}b{% endtrans %}",
    "{% trans 'ctx' n=2 %}a{{ n }}{% pluralize %}b{% endtrans %}",
    "{% trans 'ctx' %}a{% endtrans %}",
    "{% trans trimmed %}  a\n\n b\x0bc\t\n  d\n{% endtrans %}",
    "{% trans notrimmed %}\n a\n{% endtrans %}{% trans %}\n a\n{% endtrans %}",
    "{%\n\n trans\n%}a{% endtrans %}",
    "{{\n_\n(\n'x'\n)}}{{ (\n_)\n\n('y') }}",
    "{{ foo(_('a'))|bar(_('b')) }}{{ _('c')('d') }}{{ x._('e') }}{{ x.y(_('f')) }}",
    "{{ _('a' ~ 'b') }}{{ _('a' 'b', 1, x='c', *y, **z) }}{{ _() }}{{ _(1) }}{{ _(*a) }}",
    "{{ ngettext('a', n, 'b') }}{{ ngettext(n, 'a') }}",
    "{{ _('a') if _('b') else _('c') }}{{ not _('d') and -_('e') + _('f')[_('g')] < _('h') }}",
    "{{ {_('a'): _('b')} }}{{ [_('c'), (_('d'),)] }}{{ x[_('e'):_('f')] }}{{ x is y(_('g')) }}",
    "{% for a in _('i') if _('t') recursive %}{{ _('b') }}{% else %}{{ _('e') }}{% endfor %}",
    "{% filter f(_('a')) %}{{ _('b') }}{% endfilter %}",
    "{% set x = _('a') %}{% set x|f(_('a')) %}{{ _('b') }}{% endset %}",
    "{% call(a=_('d')) _('c') %}{{ _('b') }}{% endcall %}",
    "{% if _('1') %}{{ _('2') }}{% elif _('3') %}{{ _('4') }}{% elif _('5') %}{% else %}{{ _('6') }}{% endif %}",
    "{% with a=_('1'), b=_('2') %}{{ _('3') }}{% endwith %}",
    "{% autoescape _('a') %}{{ _('b') }}{% endautoescape %}",
    "{% macro m(a=_('d')) %}{{ _('b') }}{% endmacro %}",
    "{% do _('x') %}{% include _('y') %}{% print _('z'), _('w') %}{% extends _('v') %}",
    "{% import _('x') as y %}{% from _('y') import z with context %}",
    "{% block b %}{{ _('x') }}{% block c %}{{ _('y') }}{% endblock %}{% endblock %}{{ _('z') }}",
    "{{ gettext('a') }}{{ pgettext('a', 'b') }}{{ npgettext('a', 'b', 'c', 1) }}{{ other('d') }}",
    "{# _('no') #}{% raw %}{{ _('no') }}{% endraw %}",
]


def environments(newstyle: bool = False, trimmed: bool = False) -> tuple[Any, Any]:
    environments = []
    for module in (jinja2, tmplmon):
        environment = module.Environment(extensions=EXTENSIONS)
        environment.newstyle_gettext = newstyle
        environment.policies["ext.i18n.trimmed"] = trimmed
        environments.append(environment)
    return environments[0], environments[1]


@pytest.mark.parametrize("trimmed", [False, True])
@pytest.mark.parametrize("newstyle", [False, True])
@pytest.mark.parametrize("source", TEMPLATES)
def test_extract_from_ast(source: str, newstyle: bool, trimmed: bool) -> None:
    theirs, ours = environments(newstyle, trimmed)
    for babel_style in (True, False):
        expected = list(jinja2.ext.extract_from_ast(theirs.parse(source), GETTEXT_FUNCTIONS, babel_style))
        assert list(extract_from_ast(ours.parse(source), GETTEXT_FUNCTIONS, babel_style)) == expected


@pytest.mark.parametrize("source", TEMPLATES)
def test_extract_translations(source: str) -> None:
    theirs, ours = environments()
    assert list(ours.extract_translations(source)) == list(theirs.extract_translations(source))
    assert list(ours.extract_translations(ours.parse(source), ["_"])) == list(
        theirs.extract_translations(source, ["_"])
    )


def test_templates_of_the_cases() -> None:
    theirs, ours = environments()
    for path in CASES:
        for source in casefile.read(path).templates.values():
            try:
                expected = list(theirs.extract_translations(source))
            except jinja2.TemplateSyntaxError:
                continue
            try:
                assert list(ours.extract_translations(source)) == expected, path
            except tmplmon.TemplateSyntaxError:
                assert casefile.read(path).refusal("jinja"), path


def test_the_functions_are_those_of_jinja2() -> None:
    assert jinja2.ext.GETTEXT_FUNCTIONS == GETTEXT_FUNCTIONS


def test_a_deep_tree() -> None:
    source = "{{ _('x')" + "|a" * 990 + " }}"
    assert list(environments()[1].extract_translations(source)) == [(1, "_", "x")]


COMMENTED = """\
{# note: for the first #}
{{ _('first') }}
{# note: too early #}
{# note:   for the second
   on two lines  #}

{{ _('second') }}{# NOTE not a tag #}{{ _('third') }} {# note: after the third #}
{# other comment #}
{% trans %}fourth{% endtrans %}
{# hint for the fifth #}{{ _('fifth') }}
{#note: joined #}{{ _('sixth') }}
{# note: #}{#  #}{##}{{ _('seventh') }}
{# note: for a tag that begins later #}
{% trans
   a=1 %}eighth{% endtrans %}{{ _('ninth') }}
{% raw %}{# note: raw #}{% endraw %}{{ _('tenth') }}
# set x = _('eleventh')
## note: line comment
# set y = _('twelfth') ## note: behind
"""


@pytest.mark.parametrize("tags", [[], ["note:"], ["note:", "hint", "NOTE"], ["##"]])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"line_statement_prefix": "#", "line_comment_prefix": "##"},
        {"trimmed": "on", "newstyle_gettext": "yes"},
        {"trim_blocks": "true", "lstrip_blocks": "1", "keep_trailing_newline": "TRUE"},
        {"extensions": " jinja2.ext.do , jinja2.ext.i18n,"},
        {"encoding": "utf-16"},
        {"block_start_string": "{!", "block_end_string": "!}", "silent": "false"},
        {"variable_start_string": "<", "variable_end_string": ">", "comment_start_string": "{{"},
        {"line_statement_prefix": "", "line_comment_prefix": ""},
    ],
    ids=str,
)
def test_babel_extract(tags: list[str], options: dict[str, str]) -> None:
    for source in (
        COMMENTED,
        "é {{ _('ü') }}",
        "{{ _('x') }",
        "{% trans a=1 %}\n {{ a }}%\n{% endtrans %}",
        "",
    ):
        text = source.encode(options.get("encoding", "utf-8"))
        results: list[Any] = []
        for extract in (jinja2.ext.babel_extract, babel_extract):
            try:
                results.append(list(extract(BytesIO(text), ("_", "gettext", "ngettext"), tags, options)))
            except (jinja2.TemplateSyntaxError, tmplmon.TemplateSyntaxError) as error:
                results.append(error.lineno)
        assert results[1] == results[0]


def test_options_may_be_truth_values() -> None:
    messages = babel_extract(BytesIO(b"{% trans %} a {% endtrans %}"), ["gettext"], [], {"trimmed": True})
    assert list(messages) == [(1, "gettext", "a", [])]


def test_a_template_with_an_error_is_skipped_by_default() -> None:
    assert list(babel_extract(BytesIO(b"{{ _('a') }}{{"), ["_"], [], {})) == []
    with pytest.raises(tmplmon.TemplateSyntaxError):
        list(babel_extract(BytesIO(b"{{ _('a') }}{{"), ["_"], [], {"silent": "no"}))
    with pytest.raises(ImportError):
        list(babel_extract(BytesIO(b""), ["_"], [], {"extensions": "no.such"}))
