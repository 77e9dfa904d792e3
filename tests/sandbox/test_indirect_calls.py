"""Calls and changes that a template tries to cause indirectly: through filters, loaders, translations, built-in
functions, classes and proxies."""

import asyncio
import enum
import typing
import weakref
from array import array
from collections import ChainMap, defaultdict
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from tmplmon import (
    DictLoader,
    Environment,
    SecurityError,
    TemplateError,
    TemplateNotFound,
    UndefinedError,
    pass_context,
)
from tmplmon.runtime.context import Context
from tmplmon.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment, unsafe

OLD_ALIAS: Any = typing.List[int]  # noqa: UP006
EXTENSIONS = ["tmplmon.ext.do", "tmplmon.ext.i18n"]


class Account:
    """Records calls of methods that templates must not call."""

    _fmt = "private {x}".format
    public = "public {x}".format

    def __init__(self) -> None:
        self.calls: list[Any] = []

    @unsafe
    def delete(self, *args: Any, **kwargs: Any) -> str:
        self.calls.append(args)
        return "deleted"


class Attributes(dict[str, Any]):
    """A dict whose items are also attributes, as in many libraries."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Marked:
    """Classes whose special methods are marked as unsafe."""

    class Call:
        @unsafe
        def __call__(self) -> str:
            raise AssertionError

    class Items:
        @unsafe
        def __iter__(self) -> Any:
            raise AssertionError

        @unsafe
        def __getitem__(self, key: Any) -> Any:
            raise AssertionError

        def name(self) -> str:
            return "name"

    class Made:
        @unsafe
        def __init__(self) -> None:
            raise AssertionError


class Proxy:
    """Stands for another object, like `werkzeug.local.LocalProxy`."""

    def __init__(self, target: Any) -> None:
        self._target = target

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return type(self._target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class Color(enum.Enum):
    RED = 1


def environment(cls: type[SandboxedEnvironment] = SandboxedEnvironment, **options: Any) -> Any:
    templates = options.pop("templates", {})
    env = cls(loader=DictLoader(templates), extensions=EXTENSIONS, **options)
    env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    return env


# Each makes an object whose attribute has the name of a method, and gives it to something that calls that method.
INDIRECT = [
    "{{ namespace(splitlines=f)|wordwrap }}",
    "{{ namespace(splitlines=f)|indent }}",
    "{{ namespace(rsplit=f)|truncate(1) }}",
    "{{ 'a b'|wordwrap(1, wrapstring=namespace(join=f)) }}",
    "{{ 'a b'|urlize(rel=namespace(split=f)) }}",
    "{{ 'a b'|urlize(target=namespace(split=f)) }}",
    "{{ 'abcdefghijkl'|truncate(3, end=namespace(rsplit=f)) }}",
    "{{ [1, 2]|join(namespace(join=f)) }}",
    "{{ namespace(items=f)|dictsort }}",
    "{{ namespace(items=f)|xmlattr }}",
    "{{ namespace(items=f)|items|list }}",
    "{{ namespace(items=f)|urlencode }}",
    "{{ dict(namespace(keys=f)) }}",
    "{{ namespace(namespace(keys=f)) }}",
    "{{ {}.update(namespace(keys=f)) }}",
    "{{ dict(**namespace(keys=f)) }}",
    "{{ [1]|map(**namespace(keys=f))|list }}",
    "{{ ''.join(namespace(join=f)) }}",
    "{{ '{}'.format(namespace(format=f)) }}",
    "{{ '%s' % namespace(decode=f) }}",
    "{{ gettext(namespace(decode=f)) }}",
    "{{ _(namespace(decode=f)) }}",
    "{{ ngettext(namespace(format=f), 'b', 1) }}",
    "{{ npgettext('a', 'b', namespace(format=f), 2) }}",
    "{% include namespace(split=f) %}",
    "{% include [namespace(split=f)] %}",
    "{% include [namespace(split=f), 'none'] ignore missing %}",
    "{% extends namespace(split=f) %}",
    "{% import namespace(split=f) as x %}",
    "{% from namespace(split=f) import x %}",
    "{% set splitlines = f %}{% import 'lib' as lib with context %}{{ lib|wordwrap }}",
    "{{ namespace(jinja_pass_arg=namespace(name='context'))|list }}",
    "{{ [3, 1].sort(key=f) }}",
    "{{ f|map('upper')|list }}",
    "{{ p() }}",
    "{{ [1]|map(f)|list }}",
]


@pytest.mark.parametrize("autoescape", [False, True])
@pytest.mark.parametrize("source", INDIRECT)
def test_no_method_is_called_by_name(source: str, autoescape: bool) -> None:
    account = Account()
    names = {"f": account.delete, "p": partial(account.delete)}
    env = environment(templates={"lib": "{% set splitlines = f %}"}, autoescape=autoescape)
    try:
        assert "deleted" not in env.from_string(source).render(names)
    except (TemplateError, TypeError, AttributeError, ValueError):
        pass
    assert account.calls == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ x|wordwrap }}", "{{ x|indent }}", "{{ x|truncate(1) }}", "{{ 'a b'|wordwrap(1, wrapstring=x) }}",
        "{{ 'a b'|urlize(rel=x) }}", "{% include x %}", "{% include [x] %}", "{% extends x %}", "{{ _(x) }}",
    ],
)  # fmt: skip
def test_no_method_of_an_object_that_takes_its_attributes_from_items(source: str) -> None:
    account = Account()
    x = Attributes(dict.fromkeys(("splitlines", "rsplit", "join", "split", "decode"), account.delete))
    with pytest.raises((TemplateError, TypeError)):
        environment().from_string(source).render(x=x)
    assert account.calls == []


def test_a_lazy_string() -> None:
    class Lazy:
        def __str__(self) -> str:
            return "some words"

        def splitlines(self) -> list[str]:
            raise AssertionError

    assert environment().from_string("{{ x|wordwrap(5) }}").render(x=Lazy()) == "some\nwords"


@pytest.mark.parametrize("enable_async", [False, True])
def test_a_callback_gets_the_real_context(enable_async: bool) -> None:
    contexts = []

    @pass_context
    def key(context: Any, item: Any) -> Any:
        contexts.append((type(context).__mro__, item))
        return item["a"]

    template = environment(enable_async=enable_async).from_string(
        "{% set items = [namespace(a=2), namespace(a=1)] %}{% do items.sort(key=key) %}{{ items[0].a }}"
    )
    assert template.render(key=key) == "1"
    assert [Context in classes for classes, _ in contexts] == [True, True]


def test_namespaces_and_modules_as_templates_see_them() -> None:
    lib = "text{% set n = namespace(x=1) %}{% set items = 5 %}{% macro m() %}{{ n.x }}{% endmacro %}"
    source = (
        "{% set ns = namespace(items=1, a=2) %}{% set ns.a = 3 %}{{ ns.items }} {{ ns.a }} {{ ns['a'] }}"
        " {{ ns.b is defined }} {{ ns|attr('a') is defined }} {{ [ns]|map(attribute='a')|first }}"
        " {{ '{0.a}'.format(ns) }}"
        " {% import 'lib' as lib %}{{ lib }} {{ lib.items }} {{ lib.m() }} {{ lib.n.x }}"
        " {{ lib.other is defined }}"
        "{% from 'lib' import m, other %} {{ m() }} {{ other is defined }}"
    )
    for options in ({}, {"autoescape": True}, {"enable_async": True}):
        env = environment(templates={"lib": lib}, **options)
        text = env.from_string(source).render()
        assert text == "1 3 3 False True 3 3 text 5 1 1 False 1 False"


@pytest.mark.parametrize("enable_async", [False, True])
def test_each_rendering_has_its_own_modules(enable_async: bool) -> None:
    templates = {
        "lib": "{% set users = [] %}",
        "part": "{% import 'lib' as lib %}{{ lib.users|length }}",
        "main": "{% import 'lib' as lib %}{% do lib.users.append(name) %}{{ lib.users }}{% include 'part' %}",
    }
    env = environment(templates=templates, enable_async=enable_async)
    template = env.get_template("main")
    assert [template.render(name=name) for name in ("Ann", "Bob")] == ["['Ann']1", "['Bob']1"]
    if not enable_async:
        # The module of the application is another one.
        env.get_template("lib").module.users.append("application")
        assert template.render(name="Eve") == "['Eve']1"


# --- what the immutable environment must not change --------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "{{ dict[1:2].update(d, x=1) }}", "{{ dict[1].update(d, x=1) }}",
        "{{ (dict|attr('update'))(d, x=1) }}", "{{ update(d, x=1) }}", "{{ alias.append(l, 1) }}",
        "{{ alias[1:2].append(l, 1) }}", "{{ old_alias.append(l, 1) }}", "{{ alias(l) }}",
        "{{ [dict]|map(attribute='update')|first }}{{ ([dict]|map(attribute='update')|first)(d, x=1) }}",
        "{{ numbers.fromlist([1]) }}", "{{ numbers.byteswap() }}", "{{ numbers.append(1) }}",
        "{{ view.release() }}", "{{ Proxied.append(1) }}",
    ],
)  # fmt: skip
def test_methods_that_modify_cannot_be_reached(source: str) -> None:
    d, items, numbers = {"a": 1}, [1], array("i", [1, 2])
    names = {
        "d": d, "l": items, "numbers": numbers, "update": dict.update, "alias": list[int],
        "old_alias": OLD_ALIAS, "view": memoryview(bytearray(b"x")), "Proxied": Proxy(items),
    }  # fmt: skip
    with pytest.raises((SecurityError, TypeError)):
        environment(ImmutableSandboxedEnvironment).from_string(source).render(names)
    assert (d, items, numbers.tolist(), names["view"].tobytes()) == ({"a": 1}, [1], [1, 2], b"x")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ x['new'] }}", "[]"), ("{{ x.new }}", "[]"), ("{{ '%(new)s' % x }}", "[]"),
        ("{{ '{new}'.format_map(x) }}", "[]"), ("{{ '{0[new]}'.format(x) }}", "[]"),
        ("{{ [x]|map(attribute='new')|first }}", "[]"), ("{{ x['old'] }}{{ x.old }}", "11"),
        ("{{ 'a'.translate(numbers) }}", "\x00"), ("{{ proxy['new'] }}{{ chain['new'] }}", ""),
        ("{{ proxy['old'] }}{{ chain['old'] }}", "11"),
    ],
)  # fmt: skip
def test_reading_inserts_nothing(source: str, expected: str) -> None:
    x: Any = defaultdict(list, old=1)
    numbers: Any = defaultdict(int)
    names = {"x": x, "numbers": numbers, "proxy": MappingProxyType(x), "chain": ChainMap(x)}
    assert environment(ImmutableSandboxedEnvironment).from_string(source).render(names) == expected
    assert (dict(x), dict(numbers)) == ({"old": 1}, {})


# --- closed objects ----------------------------------------------------------------------------------------


def test_proxies_are_closed_like_their_objects() -> None:
    env = environment()
    names = {"mine": Proxy(env), "weak": weakref.proxy(env), "plain": Proxy(Color.RED)}
    assert env.from_string("{{ plain.name }}").render(names) == "RED"
    for source in ("mine.loader", "weak.loader", "mine['loader']", "(weak|attr('loader'))"):
        assert env.from_string("{{ " + source + " }}").render(names) == ""
        with pytest.raises(SecurityError):
            env.from_string("{{ " + source + ".x }}").render(names)


def test_a_private_format_method() -> None:
    env = environment()
    assert env.from_string("{{ user.public(x=1) }}").render(user=Account()) == "public 1"
    for source in ("{{ user._fmt(x=1) }}", "{{ (user|attr('_fmt'))(x=1) }}", "{{ user['_fmt'](x=1) }}"):
        with pytest.raises(SecurityError, match="'_fmt'"):
            env.from_string(source).render(user=Account())


@pytest.mark.parametrize(
    "source",
    [
        "{{ call() }}", "{{ [1].sort(key=call) }}", "{% for x in items %}{% endfor %}", "{{ items|list }}",
        "{{ items|join }}", "{{ items|sort }}", "{{ ''.join(items) }}", "{{ [].extend(items) }}",
        "{{ dict(items) }}", "{{ 1 in items }}",
        "{% set a, b = items %}", "{{ f(*items) }}", "{{ items[0].x }}", "{{ Made() }}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("enable_async", [False, True])
def test_marked_special_methods(source: str, enable_async: bool) -> None:
    names = {"call": Marked.Call(), "items": Marked.Items(), "Made": Marked.Made, "f": lambda *args: None}
    env = environment(enable_async=enable_async)
    assert env.from_string("{{ items.name() }}").render(names) == "name"
    with pytest.raises(SecurityError):
        env.from_string(source).render(names)


def test_enumerations_have_items() -> None:
    source = "{{ Color['RED'].value }}{% for c in Color %}{{ c.name }}{% endfor %}"
    assert environment().from_string(source).render(Color=Color) == "1RED"


# --- overridden decisions ----------------------------------------------------------------------------------


class Mapped(dict[str, int]):
    """A mapping of an application."""


@pytest.mark.parametrize("enable_async", [False, True])
def test_overridden_methods_decide_about_indirect_calls(enable_async: bool) -> None:
    asked: list[str] = []

    class Asking(SandboxedEnvironment):
        def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
            asked.append(f"call {getattr(__obj, '__name__', '?')}")
            return super().call(__context, __obj, *args, **kwargs)

        def is_safe_callable(self, obj: Any) -> bool:
            asked.append(f"callable {getattr(obj, '__name__', '?')}")
            return super().is_safe_callable(obj)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            asked.append(f"attribute {attr}")
            return super().is_safe_attribute(obj, attr, value)

    def key(item: Any) -> Any:
        return item

    env = environment(Asking, enable_async=enable_async)
    for source, expected in (
        ("{{ m|dictsort }}", {"attribute items", "callable items", "call items"}),
        ("{{ d|dictsort }}", {"attribute items", "callable items", "call items"}),
        ("{{ m|xmlattr }}", {"attribute items", "callable items", "call items"}),
        ("{{ m|items|list }}", {"attribute items", "callable items", "call items"}),
        ("{{ _('x') }}", {"call _alias", "call gettext"}),
        ("{{ l.sort(key=key) }}", {"attribute sort", "call sort", "call key", "callable key"}),
        ("{{ ns.a }}", {"attribute a"}),
        ("{{ '{0.real}'.format(1) }}", {"attribute format", "attribute real"}),
    ):
        asked.clear()
        names = {"m": Mapped(a=1), "d": {"a": 1}, "l": [2, 1], "key": key}
        env.from_string("{% set ns = namespace(a=1) %}" + source).render(names)
        assert expected <= set(asked), (source, asked)


def test_names_of_templates() -> None:
    env = environment(templates={"a": "A"})
    for source in ("{% include 5 %}", "{% extends 5 %}", "{% include none %}", "{% import 5 as x %}"):
        with pytest.raises((TemplateNotFound, TypeError)):
            env.from_string(source).render()
    with pytest.raises(TemplateNotFound):
        env.from_string("{% include [5, none] %}").render()
    assert env.from_string("{% include [5, none, 'a'] %}").render() == "A"
    with pytest.raises(SecurityError, match="at most 1000 names"):
        env.from_string("{% include ['none'] * 1001 %}").render()
    assert (
        asyncio.run(
            environment(enable_async=True, templates={"a": "A"})
            .from_string("{% include ['none', 'a'] %}")
            .render_async()
        )
        == "A"
    )


def test_python_code_cannot_read_the_attributes_of_a_namespace() -> None:
    environment = SandboxedEnvironment()
    environment.filters["run"] = lambda value: value.run()
    environment.filters["ask"] = lambda value: getattr(value, "run", "nothing")
    source = "{% set n = namespace(run='{0.__call__}'.format) %}"
    assert environment.from_string(source + "{{ n|ask }}").render() == "nothing"
    with pytest.raises(SecurityError, match="'Namespace' object shows no attribute 'run' to Python code"):
        environment.from_string(source + "{{ n|run }}").render()


def test_a_missing_attribute_of_a_namespace_is_reported_as_in_other_environments() -> None:
    with pytest.raises(UndefinedError, match=r"\.Namespace object' has no attribute 'a'"):
        SandboxedEnvironment().from_string("{{ namespace().a.b }}").render()


@pytest.mark.parametrize(
    "filter", ["indent(2)", "truncate(3)", "truncate(3, true, none)", "wordwrap(2, true, 1)"]
)
@pytest.mark.parametrize("value", ["missing", "[1, 2, 3, 4]", "[1]", "{'a': 1}", "12345", "none"])
def test_text_filters_treat_built_in_values_as_in_other_environments(filter: str, value: str) -> None:
    source = f"{{{{ {value}|{filter} }}}}"
    results = []
    for environment in (Environment(), SandboxedEnvironment()):
        try:
            results.append(environment.from_string(source).render())
        except Exception as error:
            results.append(f"{type(error).__name__}: {error}")
    assert results[0] == results[1]
