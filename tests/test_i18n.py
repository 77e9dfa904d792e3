"""Translations: the functions that an environment gets, and the two styles of calls. Jinja2 is the oracle."""

import gettext
from collections.abc import Callable, Iterator
from typing import Any

import jinja2
import pytest
from jinja2.ext import InternationalizationExtension as Oracle
from markupsafe import Markup

import tmplmon
from tmplmon import ext
from tmplmon.i18n import InternationalizationExtension
from tmplmon.sandbox import SandboxedEnvironment

CATALOGUE = {
    "Hello": "Hallo",
    "Hello %(name)s": "Hallo %(name)s <br>",
    "100%": "hundert%",
    "%(num)s cat|%(num)s cats": "%(num)s Katze|%(num)s Katzen",
    "menu!Open": "Öffnen",
    "menu!%(n)s file|%(n)s files": "%(n)s Datei|%(n)s Dateien",
}


class Catalogue:
    """The methods of `gettext.GNUTranslations`."""

    def gettext(self, message: str) -> str:
        return CATALOGUE.get(message, message)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return CATALOGUE.get(f"{singular}|{plural}", f"{singular}|{plural}").split("|")[n != 1]

    def pgettext(self, context: str, message: str) -> str:
        return CATALOGUE.get(f"{context}!{message}", message)

    def npgettext(self, context: str, singular: str, plural: str, n: int) -> str:
        translations = CATALOGUE.get(f"{context}!{singular}|{plural}", f"{singular}|{plural}")
        return translations.split("|")[n != 1]


def environments(**options: Any) -> Iterator[Any]:
    for module in (jinja2, tmplmon):
        yield module.Environment(extensions=["jinja2.ext.i18n"], **options)


def agree(environment_options: dict[str, Any], call: Callable[[Any], Any]) -> Any:
    """The result of a call, which must be the same for the environments of both engines."""
    results = []
    for environment in environments(**environment_options):
        try:
            results.append(call(environment))
        except Exception as error:
            results.append((type(error).__name__, getattr(error, "lineno", str(error))))
    assert results[1] == results[0]
    return results[1]


BOTH_STYLES = (
    "{% trans %}Hello{% endtrans %}",
    "{% trans %}unknown{% endtrans %}",
    "{% trans name='<w>' %}Hello {{ name }}{% endtrans %}",
    "{% trans name %}Hello {{ name }}{% endtrans %}",
    "{% trans %}Hello {{ name }}{% endtrans %}",
    "{% trans %}100%{% endtrans %}",
    "{% trans num=n %}{{ num }} cat{% pluralize %}{{ num }} cats{% endtrans %}",
    "{% trans num=1 %}{{ num }} cat{% pluralize %}{{ num }} cats{% endtrans %}",
    "{% trans 'menu' %}Open{% endtrans %}",
    "{% trans 'menu' n %}{{ n }} file{% pluralize %}{{ n }} files{% endtrans %}",
    "{% trans trimmed %}\n  Hello\n  {{ name }}\n{% endtrans %}",
    "{{ _('Hello') }} {{ gettext('Hello') }}",
    "{{ _('Hello')|upper }}",
    "{{ ngettext('%(num)s cat', '%(num)s cats', n) }}",
    "{{ pgettext('menu', 'Open') }}",
    "{{ npgettext('menu', '%(n)s file', '%(n)s files', 1) }}",
    "{% macro m(n) %}{% trans n %}{{ n }}{% endtrans %}{% endmacro %}{{ m('<x>') }}",
    "{% set gettext = lower %}{{ _('ABC') }}{% trans %}ABC{% endtrans %}",
    "{{ _ is callable }}{{ gettext is defined }}",
)
NEW_STYLE = (
    "{{ _('Hello %(name)s', name=name) }}",
    "{{ gettext('Hello %(name)s', name=name|e) }}",
    "{{ gettext('Hello %(name)s', name='x'|safe) }}",
    "{{ gettext('100%%') }}",
    "{{ gettext('100%') }}",
    "{{ gettext('%(missing)s') }}",
    "{{ ngettext('%(num)s cat', '%(num)s cats', n, num='many') }}",
    "{{ pgettext('menu', 'in %(context)s') }}",
    "{{ pgettext('menu', 'in %(context)s', context='c') }}",
    "{{ npgettext('menu', '%(n)s file', '%(n)s files', 3, n='%') }}",
    "{{ npgettext('c', '%(num)s %(context)s', '%(num)ss %(context)s', 3) }}",
    "{{ gettext('<b>%(x)s</b>', x='<i>') }}",
    "{% autoescape not escape %}{{ gettext('<b>%(x)s</b>', x='<i>') }}{% endautoescape %}",
    "{% autoescape escape %}{% trans x='<i>' %}<b>{{ x }}</b>{% endtrans %}{% endautoescape %}",
    "{{ gettext('%(message)s %(string)s', message=1, string=2) }}",
)
VALUES = {"name": "<you>", "n": 2, "lower": str.lower, "escape": True}


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("source", BOTH_STYLES)
def test_old_style(source: str, autoescape: bool) -> None:
    def render(environment: Any) -> str:
        environment.install_gettext_translations(Catalogue())
        text: str = environment.from_string(source).render(VALUES)
        return text

    assert isinstance(agree({"autoescape": autoescape}, render), str)


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("source", BOTH_STYLES + NEW_STYLE)
def test_new_style(source: str, autoescape: bool) -> None:
    def render(environment: Any) -> str:
        environment.install_gettext_translations(Catalogue(), newstyle=True)
        text: str = environment.from_string(source).render(VALUES)
        return text

    agree({"autoescape": autoescape}, render)


@pytest.mark.parametrize("newstyle", [False, True])
@pytest.mark.parametrize("source", BOTH_STYLES)
def test_null_translations(source: str, newstyle: bool) -> None:
    def render(environment: Any) -> str:
        environment.install_null_translations(newstyle=newstyle)
        text: str = environment.from_string(source).render(VALUES)
        return text

    agree({}, render)


@pytest.mark.parametrize("source", BOTH_STYLES)
def test_in_an_asynchronous_environment(source: str) -> None:
    def render(environment: Any) -> str:
        environment.install_gettext_translations(Catalogue(), newstyle=True)
        text: str = environment.from_string(source).render(VALUES)
        return text

    agree({"enable_async": True}, render)


def test_a_new_style_call_returns_markup_if_output_is_escaped() -> None:
    def value(environment: Any) -> Any:
        environment.install_null_translations(newstyle=True)
        return type(environment.compile_expression("gettext('a')")())

    assert agree({"autoescape": True}, value) is Markup
    assert agree({"autoescape": False}, value) is str


def test_newstyle_is_kept_until_it_is_set_again() -> None:
    def states(environment: Any) -> list[bool]:
        translations = [environment.newstyle_gettext]
        for newstyle in (None, True, None, False, None):
            environment.install_null_translations(newstyle)
            translations.append(environment.newstyle_gettext)
        return translations

    assert agree({}, states) == [False, False, True, True, False, False]


def test_uninstall() -> None:
    def names(environment: Any) -> list[list[str]]:
        translations = []
        environment.install_null_translations()
        translations.append(sorted(name for name in environment.globals if "gettext" in name or name == "_"))
        environment.uninstall_gettext_translations(None)
        translations.append(sorted(name for name in environment.globals if "gettext" in name or name == "_"))
        return translations

    assert agree({}, names)[1] == ["_"]


@pytest.mark.parametrize("source", ["{{ _('a') }}", "{{ gettext('a') }}", "{% trans %}a{% endtrans %}"])
def test_nothing_installed(source: str) -> None:
    assert agree({}, lambda environment: environment.from_string(source).render())[0] == "UndefinedError"


def test_callables_alone() -> None:
    def render(environment: Any) -> list[Any]:
        environment.install_gettext_callables(str.upper, lambda s, p, n: s)
        results = [environment.from_string("{% trans %}a{% endtrans %}").render()]
        try:
            results.append(environment.from_string("{{ pgettext('a', 'b') }}").render())
        except Exception as error:
            results.append(type(error).__name__)
        return results

    assert agree({}, render) == ["A", "TypeError"]


def test_functions_that_take_the_context() -> None:
    def render(environment: Any) -> str:
        module: Any = jinja2 if type(environment) is jinja2.Environment else tmplmon

        @module.pass_context  # type: ignore[untyped-decorator]
        def translate(context: Any, message: str) -> str:
            return f"{context['language']}:{message}"

        environment.install_gettext_callables(translate, None, newstyle=True)
        source = "{{ _('a') }} {% trans b=1 %}b{{ b }}{% endtrans %}"
        text: str = environment.from_string(source).render(language="de")
        return text

    assert agree({}, render) == "de:a de:b1"


def test_translations_with_the_methods_of_python_2() -> None:
    class Old:
        gettext = ngettext = None

        def ugettext(self, message: str) -> str:
            return message.upper()

        def ungettext(self, singular: str, plural: str, n: int) -> str:
            return plural.upper()

    def render(environment: Any) -> str:
        environment.install_gettext_translations(Old())
        text: str = environment.from_string("{{ gettext('a') }}{{ ngettext('b', 'c', 1) }}").render()
        return text

    assert agree({}, render) == "AC"


def test_translations_of_the_standard_library() -> None:
    environment: Any = tmplmon.Environment(extensions=["tmplmon.ext.i18n"])
    environment.install_gettext_translations(gettext.NullTranslations())
    source = "{% trans 'c' n=2 %}one{% pluralize %}{{ n }} many{% endtrans %}"
    assert environment.from_string(source).render() == "2 many"


def test_an_overlay_has_the_translations() -> None:
    def render(environment: Any) -> str:
        environment.install_gettext_translations(Catalogue(), newstyle=True)
        overlay = environment.overlay(variable_start_string="${", variable_end_string="}")
        text: str = overlay.from_string("${ _('Hello') }{% trans x=1 %}${x}{% endtrans %}").render()
        return text

    assert agree({}, render) == "Hallo1"


def test_names_of_the_extension() -> None:
    assert ext.i18n is ext.InternationalizationExtension is InternationalizationExtension
    for name in ("tmplmon.ext.i18n", "jinja2.ext.i18n", "tmplmon.ext.InternationalizationExtension"):
        assert ext.find_extension(name) is InternationalizationExtension
    methods = ("install_gettext_translations", "install_null_translations", "install_gettext_callables")
    environment = tmplmon.Environment()
    assert not any(hasattr(environment, name) for name in methods)
    environment.add_extension(InternationalizationExtension)
    assert all(hasattr(environment, name) for name in methods)


def test_public_methods_are_those_of_jinja2() -> None:
    theirs, ours = environments()
    without = jinja2.Environment()
    assert Oracle.identifier in theirs.extensions
    names = {name for name in vars(theirs) if not hasattr(without, name)}
    assert sorted(name for name in names if not hasattr(ours, name)) == []


# --- message ids -------------------------------------------------------------------------------------------

BLANKS = ("\n", "\r\n", "\n\n", " \n\t\n ", "\t", "\x0b", "\x85", "\u2028", " \u2028\n\u2029 ", "  ")
BLOCKS = [
    *(f"{{% trans %}}{blank}a{blank}b{blank}{{% endtrans %}}" for blank in BLANKS),
    *(f"{{% trans trimmed %}}{blank}a{blank}{{{{ x }}}}{blank}{{% endtrans %}}" for blank in BLANKS),
    "{% trans notrimmed %}\n a\n\n b{% endtrans %}",
    "{% trans trimmed n=2 %}\n one\n\n%{% pluralize %}\n\n {{ n }}\n\t\n100%\n{% endtrans %}",
    "{% trans 'menu' trimmed n=1 %}\n a {{ n }}\n b{% pluralize n %}\n a\n\n b\n{% endtrans %}",
    "{% trans 'menu' %}\n a\n\n b 5%\n{% endtrans %}",
    "{% trans %}100%{% endtrans %}",
    "{% trans %}100%{{ x }}{% endtrans %}",
    "{% trans n=1 %}100% of{% endtrans %}",
    "{% trans n=1 %}1%{% pluralize %}2%{% endtrans %}",
    "{% trans n=1 %}1%{% pluralize %}2% {{ n }}{% endtrans %}",
    "{% trans %}{% endtrans %}",
    "{% trans trimmed %} \n {% endtrans %}",
]


def looked_up(
    module: Any, source: str, newstyle: bool, trimmed: bool, **options: Any
) -> tuple[list[Any], str]:
    """(the texts that a template passes to the gettext functions, what it renders)."""
    environment = module.Environment(extensions=[f"{module.__name__}.ext.i18n"], **options)
    environment.policies["ext.i18n.trimmed"] = trimmed
    ids: list[Any] = []

    def translate(*texts: Any) -> str:
        ids.append(texts)
        return str(next(text for text in texts if text != "menu"))

    environment.install_gettext_callables(translate, translate, newstyle, translate, translate)
    try:
        output = environment.from_string(source).render(x="<x>")
    except (TypeError, ValueError):
        output = "cannot be formatted"
    texts = [tuple(text for text in texts if isinstance(text, str)) for texts in ids]
    extracted = [message for _, _, message in environment.extract_translations(source)]
    for translations, (message, *rest) in zip(
        texts, ((m,) if isinstance(m, str) else m for m in extracted), strict=True
    ):
        assert translations == tuple(text for text in (message, *rest) if text is not None)
    return texts, output


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize("trimmed", [False, True])
@pytest.mark.parametrize("newstyle", [False, True])
@pytest.mark.parametrize("block", BLOCKS)
def test_extracted_texts_are_those_that_are_looked_up(
    block: str, newstyle: bool, trimmed: bool, backend: str
) -> None:
    expected, output = looked_up(jinja2, block, newstyle, trimmed)
    translations = looked_up(tmplmon, block, newstyle, trimmed, backend=backend)
    if output == "cannot be formatted":
        # Jinja formats this message, although its percent signs are single, because it has variables.
        assert not newstyle and "%" in translations[1]
        output = translations[1]
    assert translations == (expected, output)


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    ("source", "kind", "note"),
    [
        (
            "{{ _('Hi %(name)s', nmae='Ann') }}",
            KeyError,
            "the message 'Hi %(name)s' has the placeholder %(name)s; the variables passed: 'nmae'",
        ),
        (
            "{{ _('100%') }}",
            ValueError,
            "the message '100%' cannot be formatted; a percent sign that begins no placeholder such as %(name)s is"
            " written as %%",
        ),
        (
            "{{ ngettext('%(n)s', '%(num)d %(m)s', 2) }}",
            KeyError,
            "the message '%(num)d %(m)s' has the placeholder %(m)s; the variables passed: 'num'",
        ),
    ],
)
def test_note_on_a_message_that_cannot_be_formatted(
    backend: str, source: str, kind: type[Exception], note: str
) -> None:
    environment = tmplmon.Environment(extensions=["tmplmon.ext.i18n"], backend=backend)
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    with pytest.raises(kind) as raised:
        environment.from_string(source).render()
    assert raised.value.__notes__ == [note]


@pytest.mark.parametrize("environment_class", [tmplmon.Environment, SandboxedEnvironment])
@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    ("translation", "kind", "note"),
    [
        (
            "Hallo %(nmae)s",
            KeyError,
            "the message 'Hallo %(nmae)s' has the placeholder %(nmae)s; the variables passed: 'name'",
        ),
        (
            "100%",
            ValueError,
            "the message '100%' cannot be formatted; a percent sign that begins no placeholder such as %(name)s is"
            " written as %%",
        ),
    ],
)
def test_note_on_an_old_style_message_that_cannot_be_formatted(
    environment_class: type[tmplmon.Environment],
    backend: str,
    translation: str,
    kind: type[Exception],
    note: str,
) -> None:
    options = {"backend": backend} if environment_class is tmplmon.Environment else {}
    environment = environment_class(extensions=["tmplmon.ext.i18n"], **options)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: translation, lambda singular, plural, n: translation, newstyle=False
    )
    template = environment.from_string("{% trans name='Ann' %}Hi {{ name }}{% endtrans %}")
    with pytest.raises(kind) as raised:
        template.render()
    assert raised.value.__notes__ == [note]


def test_line_feed_at_the_start_of_a_message_is_part_of_it() -> None:
    """As in Jinja2; `trimmed` removes it."""
    catalog = {"\nHi": "kept", "Hi": "trimmed"}
    environment = tmplmon.Environment(extensions=["tmplmon.ext.i18n"])
    environment.install_gettext_callables(catalog.__getitem__, lambda s, p, n: s)  # type: ignore[attr-defined]
    sources = "{% trans %}\nHi{% endtrans %}", "{% trans trimmed %}\nHi\n{% endtrans %}"
    assert [environment.from_string(source).render() for source in sources] == ["kept", "trimmed"]
    assert [list(environment.extract_translations(source)) for source in sources] == [  # type: ignore[attr-defined]
        [(1, "gettext", "\nHi")],
        [(1, "gettext", "Hi")],
    ]
