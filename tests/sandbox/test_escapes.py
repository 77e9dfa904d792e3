"""Known escapes from template sandboxes, of Jinja2 and others. None of them works here.

A template escapes if it outputs SECRET, calls a function that is marked unsafe, or reads a file outside the
loader's directory.
"""

import asyncio
import builtins
import os
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from tmplmon import DictLoader, Environment, FileSystemLoader, SecurityError, TemplateNotFound, pass_context
from tmplmon.diskcache import DiskCache
from tmplmon.ext import Extension, tag
from tmplmon.runtime.html import urlize
from tmplmon.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment, unsafe

SECRET = "s3cret"


class User:
    """An object of an application. Only attributes that are forbidden to templates lead to SECRET."""

    name = "Ann"
    _password = SECRET

    def greet(self) -> str:
        return f"Hello, {self.name}"

    @unsafe
    def delete(self, *_: Any) -> str:
        return SECRET


class Shown:
    """A class with SECRET in a private attribute, which a format could read."""

    __secret__ = SECRET


def generator() -> Any:
    yield 1


async def asynchronous_generator() -> Any:
    yield 1


async def coroutine() -> int:
    return 1


class Text(str):
    """A subclass of `str` that overrides a method."""

    def format(self, *args: Any, **kwargs: Any) -> str:
        return super().format(*args, **kwargs)


def variables() -> dict[str, Any]:
    return {
        "user": User(),
        "users": [User(), User()],
        "function": generator,
        "method": User().greet,
        "gen": generator(),
        "agen": asynchronous_generator(),
        "shown": Shown(),
        "error": ValueError("x"),
        "text": Text("{0.__secret__}"),
        "str": str,
        "Markup": Markup,
        "formats": {"f": "{0.__secret__}".format, "m": Markup("{0.__secret__}").format, "s": str.format},
        "d": {"a": 1},
        "items": [1, 2],
    }


ATTRIBUTES = [
    "{{ user._password }}",
    "{{ user['_password'] }}",
    "{{ user|attr('_password') }}",
    "{{ (user|attr('_pass' ~ 'word')) ~ '' }}",
    "{{ users|map(attribute='_password')|join }}",
    "{{ users|map('attr', '_password')|join }}",
    "{{ users|sum(attribute='_password', start='') }}",
    "{{ users|join(attribute='_password') }}",
    "{{ (users|groupby('_password'))[0].grouper }}",
    "{{ (users|groupby('_password'))[0][0] }}",
    "{{ users|min(attribute='_password') }}",
    "{{ users|sort(attribute='_password')|map(attribute='_password')|first }}",
    "{{ (users|unique(attribute='_password')|first)._password }}",
    "{{ [{'u': user}]|map(attribute='u._password')|first }}",
    "{{ users|selectattr('_password', 'eq', 's3cret')|map(attribute='name')|join }}",
    "{{ '{0._password}'.format(user) }}",
    "{{ '{u._password}'.format(u=user) }}",
    "{{ '{0[u]._password}'.format({'u': user}) }}",
    "{{ '{0[_password]}'.format(user) }}",
    "{{ '{u._password}'.format_map({'u': user}) }}",
    "{{ ('{0._password}'|safe).format(user) }}",
    "{{ ('{u._password}'|safe).format_map({'u': user}) }}",
    "{{ '{1:{0._password}}'.format(user, 2) }}",
    "{{ '{0._password!r:>{1}}'.format(user, 20) }}",
    "{% set x = user %}{% with y = x %}{{ y['_password'] }}{% endwith %}",
    "{% for u in users %}{{ u._password }}{% endfor %}",
    "{% macro m(u) %}{{ caller(u) }}{% endmacro %}{% call(u) m(user) %}{{ u._password }}{% endcall %}",
    "{% set ns = namespace(u=user) %}{{ ns.u._password }}",
    "{{ dict(u=user).u._password }}",
    "{{ user.__class__._password }}",
    "{{ user.__dict__ }}{{ user.__getattribute__('_password') }}",
    "{{ user.missing|default(user)|attr('_password') }}",
    "{{ user.greet.__self__._password }}",
    "{{ user.greet.__func__.__globals__['SECRET'] }}",
    "{{ function.__globals__.SECRET }}{{ function.__code__.co_consts }}",
    "{{ method.__globals__ }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ d.__class__.mro() }}{{ dict.mro() }}{{ dict['x'].mro() }}{{ dict['x'].__origin__ }}",
    "{{ lipsum.__globals__ }}{{ lipsum['__globals__'] }}{{ lipsum|attr('__globals__') }}",
    "{{ range.__globals__ }}{{ cycler.__init__.__globals__.os }}{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}{{ namespace().__init__ }}",
    "{{ self.__init__.__globals__ }}{{ self._context }}{{ self['_context'] }}{% block b %}{% endblock %}",
    "{{ self.b.block.template.environment }}{{ self.b._context }}{% block b %}{% endblock %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{{ m._code }}{% call m() %}{% endcall %}",
    "{% for x in items %}{{ loop._iterator.gi_frame }}{{ loop.__class__.__init__.__globals__ }}{% endfor %}",
    "{{ gen.gi_frame.f_globals }}{{ gen.gi_code }}{{ gen.gi_yieldfrom }}",
    "{{ (items|map('string')).gi_frame.f_globals.SECRET }}",
    "{{ (items|map('string'))['gi_frame'] }}{{ (items|map('string'))|attr('gi_frame') }}",
    "{{ agen.ag_frame }}{{ agen.ag_code }}{{ agen.ag_await }}",
    "{{ error.__traceback__ }}{{ error.__context__ }}{{ error.with_traceback.__self__ }}",
    "{{ nothing._undefined_exception }}{{ nothing._fail_with_undefined_error.__globals__ }}",
    "{{ nothing.__class__.__init__.__globals__ }}{{ (nothing|attr('__init__')).__globals__ }}",
    "{{ _.__globals__ }}{{ gettext.__globals__ }}",
]


def render(source: str, cls: type[SandboxedEnvironment] = SandboxedEnvironment, **options: Any) -> str:
    """The output, or '' for a SecurityError or for an UndefinedError as of a name that does not exist."""
    environment = cls(extensions=["tmplmon.ext.i18n", "tmplmon.ext.do"], **options)
    try:
        return environment.from_string(source).render(**variables())
    except Exception as error:
        assert type(error).__name__ in ("SecurityError", "UndefinedError", "TypeError"), repr(error)
        assert SECRET not in str(error)
        return ""


@pytest.mark.parametrize("options", [{}, {"autoescape": True}, {"enable_async": True}], ids=str)
@pytest.mark.parametrize("source", ATTRIBUTES)
def test_attributes(source: str, options: dict[str, Any]) -> None:
    out = render(source, **options)
    for mark in (SECRET, "<frame", "<code", "<class", "<module", "0x", "__builtins__", "<traceback"):
        assert mark not in out, out


FORMATS = [
    "{{ '{0.__secret__}'.format(shown) }}",
    "{% set f = '{0.__secret__}'.format %}{{ f(shown) }}",
    "{% set f = '{0.__secret__}'['format'] %}{{ f(shown) }}",
    "{{ ('{0.__secret__}'|attr('format'))(shown) }}",
    "{{ ('{0.__secret__}'|attr('for' ~ 'mat'))(shown) }}",
    "{{ (['{0.__secret__}']|map(attribute='format')|first)(shown) }}",
    "{{ (['{0.__secret__}']|map('attr', 'format')|first)(shown) }}",
    "{{ {'f': '{0.__secret__}'.format}.f(shown) }}",
    "{% set d = {'f': '{0.__secret__}'.format} %}{{ d['f'](shown) }}{{ (d.values()|first)(shown) }}",
    "{% macro m(f) %}{{ f(shown) }}{% endmacro %}{{ m('{0.__secret__}'.format) }}",
    "{% macro m(f) %}{{ caller(f) }}{% endmacro %}"
    "{% call(f) m('{0.__secret__}'.format) %}{{ f(shown) }}{% endcall %}",
    "{% set ns = namespace(f='{0.__secret__}'.format) %}{{ ns.f(shown) }}",
    "{{ ('{0.__secret__}'|safe).format(shown) }}{{ ('{0.__secret__}'|e).format(shown) }}",
    "{% set t %}{0.__secret__}{% endset %}{{ t.format(shown) }}{{ (t ~ '').format(shown) }}",
    "{% for f in ['{0.__secret__}'.format] %}{{ f(shown) }}{% endfor %}",
    "{{ cycler('{0.__secret__}'.format).next()(shown) }}",
    "{{ text.format(shown) }}{{ text['format'](shown) }}{{ text.upper().lower().format(shown) }}",
    "{{ str.format('{0.__secret__}', shown) }}{{ str['format']('{0.__secret__}', shown) }}",
    "{{ str.format_map('{x.__secret__}', {'x': shown}) }}",
    "{{ Markup.format(Markup('{0.__secret__}'), shown) }}{{ Markup('{0.__secret__}').format(shown) }}",
    "{{ formats.f(shown) }}{{ formats['m'](shown) }}{{ formats.s('{0.__secret__}', shown) }}",
    "{% set l = [shown] %}{{ l.sort(key='{0.__secret__}'.format) }}",
    "{{ '{x.__secret__}'.format_map({'x': shown}) }}{{ '{x.__secret__}'.format(**{'x': shown}) }}",
    "{{ '{0.__secret__}'.format.__call__(shown) }}{{ '{0.__secret__}'.format.__wrapped__(shown) }}",
    "{{ '{0.__getattribute__.__self__}'.format(shown) }}",
    "{{ '%(x.__secret__)s' % {'x': shown} }}{{ '%s'|format(shown.__secret__) }}",
]


@pytest.mark.parametrize("options", [{}, {"autoescape": True}, {"enable_async": True}], ids=str)
@pytest.mark.parametrize("source", FORMATS)
def test_format(source: str, options: dict[str, Any]) -> None:
    """CVE-2016-10745, CVE-2019-10906, CVE-2024-56326, CVE-2025-27516."""
    try:
        out = SandboxedEnvironment(**options).from_string(source).render(**variables())
    except (SecurityError, KeyError):
        return
    assert SECRET not in out


CALLS = [
    "{{ user.delete() }}",
    "{{ user['delete']() }}{{ (user|attr('delete'))() }}",
    "{% set f = user.delete %}{{ f() }}",
    "{{ ([user]|map(attribute='delete')|first)() }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m(caller=user.delete) }}",
    "{% set gettext = user.delete %}{{ _('x') }}",
    "{% set gettext = user.delete %}{% trans %}x{% endtrans %}",
    "{{ items.sort(key=user.delete) }}",
    "{% set ns = namespace(**{'__html__': user.delete}) %}{{ ns }}{{ ns|e }}{{ ns|forceescape }}",
    "{% set ns = namespace() %}{% set ns.__html__ = user.delete %}{{ ns|e }}",
    "{% set ns = namespace(**{'__aiter__': user.delete}) %}{% for x in ns %}{{ x }}{% endfor %}",
    "{{ map(user.delete, items)|list }}{{ sorted(items, key=user.delete) }}",
    "{{ partial(user.delete)() }}",
]


@pytest.mark.parametrize("options", [{}, {"autoescape": True}, {"enable_async": True}], ids=str)
@pytest.mark.parametrize("source", CALLS)
def test_unsafe_functions(source: str, options: dict[str, Any]) -> None:
    import functools

    called = []

    class Guarded(User):
        @unsafe
        def delete(self, *args: Any) -> str:
            called.append(args)
            return SECRET

    environment = SandboxedEnvironment(extensions=["tmplmon.ext.i18n"], **options)
    with pytest.raises((SecurityError, TypeError)):
        environment.from_string(source).render(
            user=Guarded(), items=[1], map=map, sorted=sorted, partial=functools.partial
        )
    assert not called


def test_methods_of_global_classes_modify_nothing() -> None:
    user = User()
    for source in (
        "{{ cycler.reset(user) }}",
        "{{ cycler.next(user) }}",
        "{{ cycler.current.fset }}{{ joiner.x() }}",
    ):
        with pytest.raises(SecurityError):
            SandboxedEnvironment().from_string(source).render(user=user)
    assert vars(user) == {}


@pytest.mark.parametrize(
    "source",
    [
        "{% set user.__class__ = 1 %}",
        "{% set user.name = 'x' %}",
        "{% set ns = namespace() %}{% set ns.__class__ = user %}",
        "{% set ns = namespace(**{'__class__': 1}) %}",
        "{% set ns = namespace({'__init__': 1}) %}",
        "{% set dict.x = 1 %}{% set cycler.x = 1 %}",
    ],
)
def test_attributes_are_not_set(source: str) -> None:
    user = User()
    with pytest.raises(Exception, match=r"namespace|not a name"):
        SandboxedEnvironment().from_string(source).render(user=user)
    assert vars(user) == {} and type(user) is User


# --- templates ---------------------------------------------------------------------------------------------


def test_templates_that_are_not_sandboxed() -> None:
    plain = Environment().from_string("{{ user._password }}{% macro m(u) %}{{ u._password }}{% endmacro %}")
    environment = SandboxedEnvironment()
    for source in (
        "{% include t %}", "{% include [t] %}", "{% extends t %}", "{% import t as x %}{{ x.m(user) }}",
        "{% from t import m %}{{ m(user) }}", "{% include t ignore missing %}", "{% include t without context %}",
    ):  # fmt: skip
        with pytest.raises(SecurityError, match="not of a sandboxed environment"):
            environment.from_string(source).render(t=plain, user=User())
    sandboxed = SandboxedEnvironment().from_string("{{ user._password }}{{ user.name }}")
    assert environment.from_string("{% include t %}").render(t=sandboxed, user=User()) == "Ann"


def test_objects_of_the_engine_have_no_attributes() -> None:
    plain = Environment(loader=DictLoader({"a": SECRET}))

    class Holder:
        environment = plain
        env = plain

    @pass_context
    def context(context: Any) -> Any:
        return context

    values = {
        "t": plain.get_template("a"),
        "environment": plain,
        "loader": plain.loader,
        "holder": Holder(),
        "context": context,
        "Template": type(plain.get_template("a")),
        "stream": plain.get_template("a").stream(),
        "expression": plain.compile_expression("1"),
    }
    for source in (
        "{{ t.render() }}", "{{ t.environment.from_string('x') }}", "{{ t.stream().dump('/tmp/x') }}",
        "{{ t.module.x }}", "{{ t['blocks'].x }}", "{{ (t|attr('new_context'))() }}", "{{ t.root_render_func() }}",
        "{{ environment.from_string('x').render() }}", "{{ environment.loader.mapping }}",
        "{{ environment.globals.update(x=1) }}", "{{ environment.filters.clear() }}",
        "{{ holder.environment.get_template('a').render() }}", "{{ holder.env.get_template('a').render() }}",
        "{{ loader.get_source(environment, 'a') }}", "{{ context().environment.x }}", "{{ context().parent.x }}",
        "{{ context().eval_ctx.environment }}", "{{ Template('x') }}", "{{ stream.dump('/tmp/x') }}",
        "{{ stream.disable_buffering() }}", "{{ expression._template.x }}", "{{ '{0.environment.x}'.format(t) }}",
        "{{ [t]|map(attribute='environment.loader')|first|attr('x') }}{{ t.environment.x }}",
    ):  # fmt: skip
        with pytest.raises(SecurityError):
            SandboxedEnvironment().from_string(source).render(**values)


def test_private_names_are_not_imported() -> None:
    lib = "{% set _x = 's3cret' %}{% macro _m() %}s3cret{% endmacro %}{% set y = 2 %}{{ _x }}"
    environment = SandboxedEnvironment(loader=DictLoader({"lib": lib}))
    assert (
        environment.from_string("{% import 'lib' as l %}{{ l._x }}{{ l._m }}{{ l['_x'] }}{{ l.y }}").render()
        == "2"
    )
    source = "{% import 'lib' as l %}{{ l._body_stream }}{{ l.__dict__ }}{{ l.__name__ }}{{ l._TemplateModule__x }}"
    assert environment.from_string(source).render() == ""
    with pytest.raises(Exception, match="private"):
        environment.from_string("{% from 'lib' import _x %}")
    with pytest.raises(Exception, match="private"):
        environment.from_string("{% from 'lib' import __init__ as x %}")


def test_template_names_do_not_become_code() -> None:
    """CVE-2024-56201: a name with quotes and line breaks, wherever a name can be used."""
    name = "x'\"\\{}\n\n__import__('os').environ['ESCAPED'] = '1'#"
    environment = SandboxedEnvironment(loader=DictLoader({name: "{% block b %}{{ 1 // n }}{% endblock %}"}))
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert environment.get_template(name).render(n=1) == "1"
    for source in (
        '{% include "NAME" %}',
        '{% extends "NAME" %}',
        '{% import "NAME" as x with context %}{{ x }}',
    ):
        assert environment.from_string(source.replace("NAME", quoted)).render(n=1) == "1"
    with pytest.raises(ZeroDivisionError):
        environment.get_template(name).render(n=0)
    source = f'{{% from "{quoted}" import nope with context %}}{{{{ nope }}}}'
    assert environment.from_string(source).render(n=1) == ""
    assert "ESCAPED" not in os.environ


def test_nothing_becomes_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `exec`, `eval` or `compile` runs when a sandboxed template is compiled and rendered."""
    source = (
        "{% macro m(x) %}{{ x + 1 }}{% endmacro %}{% for i in range(3) if i %}{{ m(i) }}{{ '{}'.format(i) }}"
    )
    source += "{% endfor %}"
    SandboxedEnvironment().from_string(source).render()  # loads the modules that it needs
    for name in ("exec", "eval", "compile"):
        monkeypatch.setattr(builtins, name, lambda *_, **__: pytest.fail("code was made"))
    assert SandboxedEnvironment().from_string(source + "!").render() == "2132!"


# --- loaders and the cache ---------------------------------------------------------------------------------


def test_loader_does_not_leave_its_directory(tmp_path: Path) -> None:
    root = tmp_path / "templates"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "outside.html").write_text(SECRET)
    (tmp_path / "templates_other").mkdir()
    (tmp_path / "templates_other" / "x.html").write_text(SECRET)
    (root / "inside.html").write_text("inside")
    environment = SandboxedEnvironment(loader=FileSystemLoader(root))
    outside = str(tmp_path / "outside.html")
    for name in (
        "../outside.html", "sub/../../outside.html", "..\\outside.html", "sub\\..\\..\\outside.html", outside,
        "/" + outside, "//outside.html", "./../outside.html", "sub/..", "..", "inside.html\0", "../outside.html\0",
        "inside.html/../../outside.html", "%2e%2e/outside.html", "../templates_other/x.html", "", ".", "sub",
        "file://" + outside, "~/outside.html", "inside.html\n", "\0",
    ):  # fmt: skip
        with pytest.raises(TemplateNotFound):
            environment.from_string("{% include name %}").render(name=name)
    assert (
        environment.from_string("{% include '/./sub/.//../inside.html'[:0] ~ 'inside.html' %}").render()
        == "inside"
    )


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_links_are_followed_as_documented(tmp_path: Path) -> None:
    """Only users who can write to the directory can create links in it; templates cannot."""
    root = tmp_path / "templates"
    root.mkdir()
    (tmp_path / "shared.html").write_text("shared")
    (root / "link.html").symlink_to(tmp_path / "shared.html")
    environment = SandboxedEnvironment(loader=FileSystemLoader(root))
    assert environment.from_string("{% include 'link.html' %}").render() == "shared"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
def test_cache_directories_of_others_are_refused(tmp_path: Path) -> None:
    """CVE-2014-1402, CVE-2014-0012: a directory to which other users may have written code."""
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    (open_to_all / "planted").write_text("code")
    open_to_all.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(open_to_all)
    for directory in (open_to_all, link):
        with pytest.raises(RuntimeError, match="cache directory"):
            DiskCache(directory)
    # Sandboxed templates are never code, so they are never loaded from a disk cache.
    environment = SandboxedEnvironment(cache_dir=tmp_path / "cache")
    assert environment.from_string("{{ 1 }}").render() == "1"
    assert not (tmp_path / "cache").exists()
    # By default, an environment has no cache directory, so there is none with a predictable name.
    assert Environment().cache_dir is None


# --- filters -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["a b", "a/b", "a>b", "a=b", "a\tb", "a\nb", "a\fb", "a\rb", "onclick=x ", "/"]
)
def test_xmlattr_keys(key: str) -> None:
    """CVE-2024-22195 (white space) and CVE-2024-34064 (the other characters that end a name)."""
    with pytest.raises(ValueError, match="attribute name"):
        SandboxedEnvironment(autoescape=True).from_string("<a{{ d|xmlattr }}>").render(d={key: "x"})
    assert (
        SandboxedEnvironment(autoescape=True).from_string("{{ {'\"': '\"'}|xmlattr }}").render()
        == ' &#34;="&#34;"'
    )


URLIZE = [
    "a.a@" + "a.a" * 2000 + "b",
    "http://" + "a." * 4000 + "!",
    "(" * 8000,
    "(" * 4000 + "www.a.com" + ")" * 4000,
    "@" * 8000,
    "www." * 3000,
    "&lt;" * 4000,
    "www.example.com" + "." * 8000,
    "mailto:" * 1500 + "a@b.c",
    ("a" * 10 + "@") * 800 + "x.y",
]


@pytest.mark.parametrize("text", URLIZE, ids=range(len(URLIZE)))
def test_urlize_is_linear(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2020-28493: work that grows with the square of the text. The test counts the steps of the functions and
    the characters that are passed to regular expressions, whose patterns do not backtrack."""
    from tmplmon.runtime import html

    def steps(text: str) -> int:
        import sys

        count = 0

        def trace(frame: types.FrameType, event: str, _: Any) -> Callable[..., Any] | None:
            nonlocal count
            count += event == "line"
            return trace if frame.f_code.co_filename == html.__file__ else None

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            urlize(text)
        finally:
            sys.settrace(before)
        return count

    once, twice = steps(text), steps(text + text)
    assert twice <= 2.2 * once + 50


# --- extensions, other kinds of execution ------------------------------------------------------------------


class Tagged(Extension):
    @tag("tagged", body=True)
    def tagged(self, value: Any = None, *, caller: Callable[[], str]) -> str:
        return f"[{value!r}|{caller()}]"


def test_extension_tags() -> None:
    environment = SandboxedEnvironment(extensions=[Tagged])
    source = "{% tagged user._password %}{{ user._password }}{{ tagged.__globals__ }}{% endtagged %}"
    assert environment.from_string(source).render(user=User(), tagged=render) == "[Undefined|]"
    with pytest.raises(SecurityError):
        environment.from_string("{% tagged user.delete() %}{% endtagged %}").render(user=User())


def test_debug_tag_shows_no_more_than_the_context() -> None:
    environment = SandboxedEnvironment(extensions=["tmplmon.ext.debug"])
    assert SECRET not in environment.from_string("{% debug %}").render(user=User())


def test_expressions() -> None:
    with pytest.raises(SecurityError):
        SandboxedEnvironment().compile_expression("user.delete()")(user=User())
    assert SandboxedEnvironment().compile_expression("user._password")(user=User()) is None


def test_generate_and_stream() -> None:
    template = SandboxedEnvironment().from_string("{{ user.name }}{{ user._password }}{{ user.delete() }}")
    pieces = template.generate(user=User())
    with pytest.raises(SecurityError):
        assert SECRET not in "".join(pieces)
    with pytest.raises(SecurityError):
        list(template.stream(user=User()))


def test_coroutines_have_no_frames() -> None:
    kept: list[Any] = []

    class Later:
        def __init__(self) -> None:
            self.waiting = coroutine()
            kept.append(self.waiting)

    environment = SandboxedEnvironment()
    for source in (
        "{{ c.waiting.cr_frame.f_globals }}",
        "{{ c.waiting['cr_code'].co_consts }}",
        "{{ c.waiting.cr_await.x }}",
    ):
        with pytest.raises(SecurityError):
            environment.from_string(source).render(c=Later())
    for waiting in kept:
        waiting.close()


def test_asynchronous_rendering_refuses_the_same() -> None:
    async def main() -> None:
        environment = SandboxedEnvironment(enable_async=True)
        with pytest.raises(SecurityError):
            await environment.from_string("{{ user.delete() }}").render_async(user=User())
        pieces = [
            piece
            async for piece in environment.from_string("{{ user._password }}").generate_async(user=User())
        ]
        assert SECRET not in "".join(pieces)

    asyncio.run(main())


def test_escapes_with_listening_tools() -> None:
    """The monitored trees refuse the same accesses as the quiet tree."""
    import sys

    environment = SandboxedEnvironment()
    seen: list[str] = []
    for source in ("{{ user.delete() }}", "{{ user.__class__.x }}", "{{ '{0.__class__.x}'.format(user) }}"):
        template = environment.from_string(source)
        sys.setprofile(lambda *args: seen.append(args[1]))
        try:
            with pytest.raises(SecurityError):
                template.render(user=User())
        finally:
            sys.setprofile(None)
    assert seen


def test_immutable_environment_modifies_nothing() -> None:
    values = {"d": {"a": 1}, "items": [2, 1], "numbers": {1}}
    for source in (
        "{{ d.clear() }}", "{{ items.append(1) }}", "{{ items.sort() }}", "{{ numbers.add(2) }}",
        "{{ (d|attr('pop'))('a') }}", "{{ dict.clear(d) }}", "{{ dict.update(d, b=1) }}", "{{ d['update'](b=1) }}",
        "{{ ([d]|map(attribute='clear')|first)() }}", "{{ items|map('attr', 'append')|list }}{{ items.reverse() }}",
    ):  # fmt: skip
        try:
            ImmutableSandboxedEnvironment().from_string(source).render(**values)
        except SecurityError:
            pass
        assert values == {"d": {"a": 1}, "items": [2, 1], "numbers": {1}}


def test_the_message_names_the_refused_object() -> None:
    with pytest.raises(SecurityError, match=re.escape("is not safely callable")):
        SandboxedEnvironment().from_string("{{ user.delete() }}").render(user=User())
