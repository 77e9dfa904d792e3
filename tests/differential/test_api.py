"""The Python API: the same calls of both engines' modules have the same results.

A test is a function of an engine; ``agree`` runs it on both and compares what it returns.
"""

import asyncio
import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from cases.engines import JINJA2, TMPLMON, Engine
from cases.objects import User

from .compare import tidy

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


def agree(function: Callable[..., Any]) -> Callable[..., None]:
    """A test that the function returns the same for both engines, and returns something."""

    @functools.wraps(function)
    def test(*args: Any, **kwargs: Any) -> None:
        expected = function(JINJA2, *args, **kwargs)
        assert expected is not None
        assert function(TMPLMON, *args, **kwargs) == expected

    test.__wrapped__ = functools.partial(function, JINJA2)  # pytest must not ask for an "engine" fixture
    return test


def error(call: Callable[[], Any]) -> tuple[str, str]:
    """The type and the message of the exception of a call."""
    with pytest.raises(Exception) as caught:
        call()
    return type(caught.value).__name__, tidy(str(caught.value))


def submodule(engine: Engine, name: str) -> ModuleType:
    return importlib.import_module(f"{engine.name}.{name}")


def environment(engine: Engine, templates: dict[str, str] | None = None, **options: Any) -> Any:
    return engine.module.Environment(loader=engine.module.DictLoader(templates or {}), **options)


# Names.


def test_all_public_names_of_jinja2_exist() -> None:
    """All names that applications import from jinja2, except for those of its bytecode caches, which `cache_dir`
    replaces."""
    left_out = {"BytecodeCache", "FileSystemBytecodeCache", "MemcachedBytecodeCache", "ModuleLoader"}
    names = {name for name, value in vars(JINJA2.module).items() if not isinstance(value, ModuleType)}
    public = {name for name in names if not name.startswith("_")} - left_out
    assert sorted(name for name in public if not hasattr(TMPLMON.module, name)) == []


IMPORTS = """\
defaults DEFAULT_FILTERS DEFAULT_NAMESPACE DEFAULT_POLICIES DEFAULT_TESTS
environment Environment Template
exceptions TemplateError TemplateNotFound TemplateSyntaxError UndefinedError SecurityError
ext Extension babel_extract
filters FILTERS do_default do_filesizeformat do_mark_safe do_striptags do_tojson do_truncate do_urlize
loaders BaseLoader FileSystemLoader DictLoader split_template_path
meta find_undeclared_variables find_referenced_templates
nativetypes NativeEnvironment NativeTemplate
runtime Context Undefined StrictUndefined ChainableUndefined Macro LoopContext make_logging_undefined
sandbox SandboxedEnvironment ImmutableSandboxedEnvironment
utils pass_context pass_environment pass_eval_context htmlsafe_json_dumps select_autoescape urlize Namespace missing
"""


@pytest.mark.parametrize("line", IMPORTS.splitlines())
def test_modules_that_applications_import_from(line: str) -> None:
    """The names that applications import from Jinja2's modules exist under the same names."""
    module, *names = line.split()
    for engine in (JINJA2, TMPLMON):
        found = submodule(engine, module)
        assert [name for name in names if not hasattr(found, name)] == [], engine.name


@agree
def test_exceptions(engine: Engine) -> Any:
    names = (
        *("TemplateError", "TemplateNotFound", "TemplatesNotFound", "TemplateSyntaxError"),
        *("TemplateAssertionError", "TemplateRuntimeError", "UndefinedError"),
    )
    classes = [getattr(engine.module, name) for name in names]
    builtin = [[c.__name__ for c in cls.__mro__ if c.__module__ == "builtins"] for cls in classes]
    return [[issubclass(a, b) for a in classes] for b in classes], builtin


@agree
def test_default_names(engine: Engine) -> Any:
    env = environment(engine)
    return sorted(env.filters), sorted(env.tests), sorted(env.globals), sorted(env.policies)


# Modules.

MODULES = {
    "sets": "{% set a = 1 %}{% set _b = 2 %}{% set c, d = 3, 4 %}",
    "macros": "{% macro m(x) %}<{{ x }}>{% endmacro %}{% macro _n() %}{% endmacro %}",
    "conditional": "{% if true %}{% set a = 1 %}{% endif %}{% if false %}{% set b = 1 %}{% endif %}",
    "nested": "{% for i in [1] %}{% set a = i %}{% endfor %}{% with b = 1 %}{% set c = b %}{% endwith %}",
    "block_set": "{% set a %}text{% endset %}{% set b|upper %}text{% endset %}",
    "imports": "{% import 'lib' as lib %}{% from 'lib' import x, m as renamed %}{% set mine = x %}",
    "text": "text {{ 1 + 1 }}{% macro m() %}{% endmacro %}",
    "given": "{% set a = given %}{{ given }}",
    "reassigned": "{% set a = 1 %}{% set a = a + 1 %}",
    "namespace": "{% set ns = namespace(v=1) %}{% set ns.v = 2 %}",
    "child": "{% extends 'base' %}{% set a = 1 %}{% block b %}{% set hidden = 1 %}{% endblock %}",
    "global_read": "{% set a = site %}",
}
LIBRARY = {
    "lib": "{% set x = 'X' %}{% macro m() %}M{% endmacro %}",
    "base": "{% set of_base = 1 %}base{% block b %}{% endblock %}",
}


def module_names(module: Any) -> Any:
    values = {
        name: value for name, value in vars(module).items() if not name.startswith("_") and name != "ns"
    }
    return {name: tidy(str(value)) for name, value in values.items()}


@pytest.mark.parametrize("name", MODULES)
@agree
def test_module(engine: Engine, name: str) -> Any:
    template = environment(engine, LIBRARY | MODULES).get_template(name, globals={"site": "S"})
    return module_names(template.module), str(template.module)


@pytest.mark.parametrize("name", MODULES)
@agree
def test_make_module(engine: Engine, name: str) -> Any:
    template = environment(engine, LIBRARY | MODULES).get_template(name, globals={"site": "S"})
    made = template.make_module({"given": "G"})
    with_locals = template.make_module({"given": "G"}, locals={"given": "L"})
    return module_names(made), str(made), module_names(with_locals), str(with_locals)


@agree
def test_make_module_shared(engine: Engine) -> Any:
    """A shared context has the passed variables, without the globals."""
    module = (
        environment(engine).from_string("{{ a }}{{ range is defined }}").make_module({"a": 1}, shared=True)
    )
    return str(module)


@agree
def test_module_is_kept_and_make_module_is_fresh(engine: Engine) -> Any:
    template = environment(engine).from_string("{% set a = [] %}")
    return template.module is template.module, template.make_module() is template.make_module()


@agree
def test_module_macros_are_callable(engine: Engine) -> Any:
    module = environment(engine).from_string("{% macro m(x, y=2) %}{{ x }}{{ y }}{% endmacro %}").module
    macro = module.m
    return (
        module.m(1),
        module.m(x=3, y=4),
        macro.name,
        macro.arguments,
        macro.catch_kwargs,
        macro.caller,
        repr(macro),
    )


@agree
def test_module_html(engine: Engine) -> Any:
    module = environment(engine, autoescape=True).from_string("<b>{{ '<' }}</b>").module
    return (
        str(module),
        module.__html__(),
        type(module.__html__()).__name__,
        repr(module).startswith("<TemplateModule"),
    )


@agree
def test_module_prints_the_template_name(engine: Engine) -> Any:
    env = environment(engine, {"name.html": ""})
    return repr(env.get_template("name.html").module), repr(env.get_template("name.html"))


# Rendering.


@agree
def test_render_takes_what_dict_takes(engine: Engine) -> Any:
    template = environment(engine).from_string("{{ a }}{{ b }}")
    return [
        template.render(a=1, b=2),
        template.render({"a": 1}, b=2),
        template.render([("a", 1), ("b", 2)]),
        template.render({"a": 1, "b": 3}, b=2),
        template.render(),
    ]


@agree
def test_render_does_not_change_the_context_given(engine: Engine) -> Any:
    given = {"a": 1}
    output = environment(engine).from_string("{% set a = 2 %}{% set b = 3 %}{{ a }}").render(given)
    return output, given


PIECES = "a{% for x in 'bc' %}{{ x }}{% endfor %}{% include 'lib' %}{% macro m() %}m{% endmacro %}{{ m() }}"


@agree
def test_generate_joined_is_render(engine: Engine) -> Any:
    template = environment(engine, LIBRARY).from_string(PIECES)
    return "".join(template.generate()), template.render(), "".join(template.stream())


@agree
def test_generate_is_lazy(engine: Engine) -> Any:
    seen: list[int] = []
    template = environment(engine).from_string("{% for x in [1, 2] %}{{ f(x) }}\n{% endfor %}")
    pieces = template.generate(f=lambda x: seen.append(x) or str(x))
    before = list(seen)
    first = next(piece for piece in pieces if piece.strip())
    return before, first.strip(), seen


@agree
def test_generate_raises_when_reached(engine: Engine) -> Any:
    pieces = environment(engine).from_string("{% for x in [1, 0] %}<{{ 6 // x }}>{% endfor %}").generate()
    collected = []

    def consume() -> None:
        collected.extend(pieces)

    return error(consume)


@agree
def test_stream_buffering(engine: Engine) -> Any:
    stream = environment(engine).from_string("{% for x in range(6) %}{{ x }}{% endfor %}").stream()
    before = stream.buffered
    stream.enable_buffering(size=3)
    buffered = stream.buffered
    pieces = list(stream)
    return before, buffered, "".join(pieces)


@agree
def test_stream_buffer_size(engine: Engine) -> Any:
    stream = environment(engine).from_string("x").stream()
    return error(lambda: stream.enable_buffering(size=1))


@agree
def test_stream_dump(engine: Engine, tmp_path: Any) -> Any:
    template = environment(engine).from_string("a{{ x }}\nb")
    path = tmp_path / "out.txt"
    template.stream(x="é").dump(str(path), encoding="utf-8")
    with path.open("ab") as file:
        template.stream(x=1).dump(file, encoding="latin-1")
    return path.read_bytes()


@agree
def test_render_async(engine: Engine) -> Any:
    template = environment(engine, enable_async=True).from_string("{{ f() }}{% set x = 1 %}")

    async def f() -> int:
        return 1

    async def everything() -> Any:
        pieces = [piece async for piece in template.generate_async(f=f)]
        module = await template.make_module_async({"f": f})
        return await template.render_async(f=f), "".join(pieces), str(module), module.x

    return asyncio.run(everything())


@agree
def test_template_constructor(engine: Engine) -> Any:
    template = engine.module.Template("{{ x }}<% y %>{{ '<' }}", autoescape=True)
    return template.render(x=1), template.name, template.filename


@agree
def test_template_constructor_shares_environments(engine: Engine) -> Any:
    make = engine.module.Template
    return (
        make("a").environment is make("b").environment,
        make("a").environment is make("b", trim_blocks=True).environment,
        make("a").environment.shared,
    )


@agree
def test_template_attributes(engine: Engine) -> Any:
    template = environment(
        engine, {"a.html": "{% block one %}{% endblock %}{% block two %}{% endblock %}"}
    ).get_template("a.html")
    return template.name, sorted(template.blocks), template.is_up_to_date, "range" in template.globals


@agree
def test_block_render_func(engine: Engine) -> Any:
    template = environment(engine).from_string("{% set a = 1 %}x{% block b %}[{{ g }}{{ a }}]{% endblock %}")
    context = template.new_context({"g": "G"})
    return "".join(template.blocks["b"](context)), "".join(
        template.root_render_func(template.new_context({"g": 1}))
    )


# Loading.


@agree
def test_get_or_select_template(engine: Engine) -> Any:
    env = environment(engine, {"a": "A", "b": "B"})
    template = env.get_template("a")
    return [
        env.get_or_select_template("a").render(),
        env.get_or_select_template(["no", "b"]).render(),
        env.get_or_select_template(template) is template,
        env.get_template(template) is template,
        env.select_template(["no", template]) is template,
        env.select_template(("b",)).render(),
    ]


@agree
def test_not_found(engine: Engine) -> Any:
    env = environment(engine, {"a": "A"})
    undefined = env.undefined(name="missing")
    return [
        error(lambda: env.get_template("no")),
        error(lambda: env.select_template(["no", "neither"])),
        error(lambda: env.select_template([])),
        error(lambda: env.get_or_select_template(undefined)),
        error(lambda: env.select_template(undefined)),
        error(lambda: engine.module.Environment().get_template("a")),
    ]


@agree
def test_not_found_attributes(engine: Engine) -> Any:
    env = environment(engine)
    found = []
    for call in (lambda: env.get_template("no"), lambda: env.select_template(["no", "neither"])):
        try:
            call()
        except engine.module.TemplateNotFound as exception:
            found.append((exception.name, exception.templates, exception.message, str(exception)))
    return found


@agree
def test_templates_are_cached(engine: Engine) -> Any:
    env = environment(engine, {"a": "A"})
    uncached = environment(engine, {"a": "A"}, cache_size=0)
    return env.get_template("a") is env.get_template("a"), uncached.get_template(
        "a"
    ) is uncached.get_template("a")


@agree
def test_auto_reload(engine: Engine) -> Any:
    templates = {"a": "1{% include 'b' %}", "b": "b"}
    env = environment(engine, templates)
    frozen = environment(engine, templates, auto_reload=False)
    outputs = [env.get_template("a").render(), frozen.get_template("a").render()]
    templates["a"], templates["b"] = "2{% include 'b' %}", "c"
    outputs += [env.get_template("a").render(), frozen.get_template("a").render()]
    return outputs


@agree
def test_globals_of_a_template(engine: Engine) -> Any:
    env = environment(engine, {"a": "{{ g }}{{ h }}{% include 'b' %}", "b": "[{{ g }}{{ h }}]"})
    env.globals["g"] = "env"
    first = env.get_template("a", globals={"h": "template"}).render()
    again = env.get_template("a", globals={"h": "changed", "g": "own"}).render()
    env.globals["g"] = "later"
    return (
        first,
        again,
        env.from_string("{{ g }}{{ h }}", globals={"h": 1}).render(),
    )


@agree
def test_globals_can_be_added_later(engine: Engine) -> Any:
    env = environment(engine)
    template = env.from_string("{{ late }}")
    before = template.render()
    env.globals["late"] = "now"
    template.globals["late"] = "own"
    return before, template.render(), env.from_string("{{ late }}").render()


@agree
def test_make_globals(engine: Engine) -> Any:
    env = environment(engine)
    env.globals["g"] = 1
    made = env.make_globals({"h": 2})
    return made["g"], made["h"], "range" in made, "h" in env.globals


@agree
def test_list_templates(engine: Engine) -> Any:
    env = environment(engine, {"b.html": "", "a.txt": "", "c/d.html": ""})
    return [
        env.list_templates(),
        env.list_templates(extensions=["html"]),
        env.list_templates(filter_func=lambda name: name.startswith("a")),
        error(lambda: env.list_templates(extensions=["a"], filter_func=bool)),
    ]


@agree
def test_loaders(engine: Engine) -> Any:
    m = engine.module
    first, second = m.DictLoader({"a": "1a", "b": "1b"}), m.DictLoader({"b": "2b", "c": "2c"})
    function = m.FunctionLoader(lambda name: {"f": "F"}.get(name))
    env = m.Environment(loader=m.ChoiceLoader([first, second, m.PrefixLoader({"p": second}), function]))
    return [
        [env.get_template(name).render() for name in ("a", "b", "c", "p/b", "f")],
        error(lambda: env.get_template("p/none")),
        m.ChoiceLoader([first, m.PrefixLoader({"p": second}, delimiter="::")]).list_templates(),
        error(function.list_templates)[0],
    ]


@agree
def test_file_system_loader(engine: Engine, tmp_path: Any) -> Any:
    (tmp_path / "one" / "sub").mkdir(parents=True, exist_ok=True)
    (tmp_path / "two").mkdir(exist_ok=True)
    (tmp_path / "one" / "a.html").write_text("é{{ 1 }}\n", "utf-8")
    (tmp_path / "one" / "sub" / "b.html").write_text("{% include 'a.html' %}sub", "utf-8")
    (tmp_path / "two" / "a.html").write_text("hidden", "utf-8")
    (tmp_path / "two" / "c.html").write_text("{{ 1 / 0 }}", "utf-8")
    env = engine.module.Environment(
        loader=engine.module.FileSystemLoader([tmp_path / "one", str(tmp_path / "two")])
    )
    return [
        env.get_template("a.html").render(),
        env.get_template("sub/b.html").render(),
        env.get_template("a.html").filename == str(tmp_path / "one" / "a.html"),
        env.list_templates(),
        error(lambda: env.get_template("../two/a.html")),
        error(lambda: env.get_template("sub")),
        error(lambda: env.get_template("c.html").render()),
    ]


@agree
def test_file_system_loader_reloads(engine: Engine, tmp_path: Any) -> Any:
    path = tmp_path / "a.html"
    path.write_text("one", "utf-8")
    env = engine.module.Environment(loader=engine.module.FileSystemLoader(tmp_path))
    outputs = [env.get_template("a.html").render()]
    path.write_text("two", "utf-8")
    import os

    os.utime(path, (1, 1))
    return [*outputs, env.get_template("a.html").render()]


@agree
def test_join_path(engine: Engine) -> Any:
    class Relative(engine.module.Environment):
        def join_path(self, template: str, parent: str) -> str:
            return f"{parent.rpartition('/')[0]}/{template}".lstrip("/")

    templates = {"x/a": "{% include 'b' %}{% import 'b' as b %}{{ b.v }}", "x/b": "{% set v = 1 %}B"}
    return Relative(loader=engine.module.DictLoader(templates)).get_template("x/a").render()


# Environments.


@agree
def test_overlay(engine: Engine) -> Any:
    env = environment(engine, {"a": "A"}, trim_blocks=True)
    env.globals["g"] = 1
    env.filters["f"] = lambda value: f"<{value}>"
    overlay = env.overlay(variable_start_string="${", variable_end_string="}", autoescape=True)
    env.globals["later"] = 2
    source = "${ g }${ 1|f }${ later }{% if true %}\nx{% endif %}"
    return [
        overlay.from_string(source).render(),
        overlay.overlayed,
        overlay.linked_to is env,
        overlay.get_template("a").render(),
        overlay.trim_blocks,
        env.overlay(trim_blocks=False).from_string("{% if true %}\nx{% endif %}").render(),
    ]


@agree
def test_overlay_extensions(engine: Engine) -> Any:
    env = environment(engine)
    overlay = env.overlay(extensions=[f"{engine.name}.ext.do"])
    return (
        overlay.from_string("{% do [] %}x").render(),
        error(lambda: env.from_string("{% do [] %}"))[0],
    )


@agree
def test_add_extension(engine: Engine) -> Any:
    env = environment(engine)
    env.add_extension(f"{engine.name}.ext.loopcontrols")
    return env.from_string("{% for x in [1, 2] %}{{ x }}{% break %}{% endfor %}").render()


@pytest.mark.parametrize(
    "options",
    [{"block_start_string": "{{"}, {"newline_sequence": "x"}, {"undefined": str}, {"nonsense": 1}],
    ids=str,
)
def test_wrong_options(options: dict[str, Any]) -> None:
    """Jinja2 uses assertions. tmplmon also refuses them if assertions are off."""
    for engine, errors in ((JINJA2, (AssertionError, TypeError)), (TMPLMON, (ValueError, TypeError))):
        with pytest.raises(errors):
            engine.module.Environment(**options)


@agree
def test_extend(engine: Engine) -> Any:
    env = environment(engine)
    env.extend(own=5)
    return env.own


@agree
def test_undefined_of_the_environment(engine: Engine) -> Any:
    env = environment(engine)
    return tidy(repr(env.undefined(name="x"))), error(lambda: env.undefined(name="x") + 1)


@agree
def test_getattr_getitem(engine: Engine) -> Any:
    env = environment(engine)
    value = {"keys": "item", "k": 1}
    return [
        env.getitem(value, "keys"),
        callable(env.getattr(value, "keys")),
        env.getattr(value, "k"),
        env.getitem("text", 0),
        env.getitem(User("ann"), "name"),
        type(env.getattr(value, "no")).__name__,
        type(env.getitem([1], 5)).__name__,
    ]


@agree
def test_overridden_getattr(engine: Engine) -> Any:
    class Careful(engine.module.Environment):
        def getattr(self, obj: Any, attribute: str) -> Any:
            return f"attr {attribute}"

        def getitem(self, obj: Any, argument: Any) -> Any:
            return f"item {argument}"

    return Careful().from_string("{{ x.y }} {{ x['y'] }} {{ x[0].z }}").render(x={})


@agree
def test_call_filter_and_test(engine: Engine) -> Any:
    env = environment(engine)
    return [
        env.call_filter("upper", "a"),
        env.call_filter("join", [1, 2], ("-",)),
        env.call_filter("default", None, kwargs={"default_value": 5, "boolean": True}),
        env.call_test("odd", 3),
        env.call_test("divisibleby", 4, (2,)),
        error(lambda: env.call_filter("no", 1)),
        error(lambda: env.call_test("no", 1)),
        env.call_filter("join", []),
    ]


COMPILED = (
    *("a + 1", "a == 1 and 'yes' or 'no'", "missing", "missing.x", "[a, b]|join('-')", "a is odd", "b[0]"),
    *("{'k': a}.k", "'x' if a else 'y'", "range(3)|list", "1 +", "a b", "", "a, b", "f(a)"),
)


@pytest.mark.parametrize("source", COMPILED)
@agree
def test_compile_expression(engine: Engine, source: str) -> Any:
    env = environment(engine)
    results = []
    for options in ({}, {"undefined_to_none": False}):
        try:
            expression = env.compile_expression(source, **options)
            value = expression(a=1, b=["q"], f=lambda x: x * 2)
            results.append(type(value).__name__ if "Undefined" in type(value).__name__ else value)
        except Exception as exception:
            results.append(type(exception).__name__)
    return results


@agree
def test_parse_and_lex(engine: Engine) -> Any:
    env = environment(engine)
    tokens = list(env.lex("a {{ b|c }}{# d #}{% if e %}\n{% endif %}"))
    return [(line, kind, text) for line, kind, text in tokens]


@agree
def test_compile_templates_names(engine: Engine) -> Any:
    m = engine.module
    return m.is_undefined(m.Undefined()), m.is_undefined(1), m.is_undefined(m.StrictUndefined("x"))


# Meta.

META = (
    "{{ a }}{% set b = 1 %}{{ b }}{{ range(c) }}",
    "{% for x in xs %}{{ x }}{{ loop.index }}{{ y }}{% endfor %}{{ x }}",
    "{% macro m(a, b=d) %}{{ a }}{{ b }}{{ varargs }}{{ e }}{% endmacro %}{{ m(f) }}",
    "{% if a %}{% set b = 1 %}{% endif %}{{ b }}",
    "{% block t %}{{ a }}{{ super() }}{{ self.t() }}{% endblock %}",
    "{% with a = b %}{{ a }}{{ c }}{% endwith %}",
    "{% extends x %}{% include y %}{% import z as z %}{{ z }}{% from w import v %}{{ v }}",
    "{% call(a) b(c) %}{{ a }}{{ caller }}{% endcall %}",
    "{% set x %}{{ y }}{% endset %}{{ x|f if false else z is defined }}",
    "{{ a.b[c](d, e=f)|default(g) }}{{ namespace() }}",
    "{% set a = a %}{{ a }}{% set ns.x = 1 %}",
    "{% filter upper %}{{ a }}{% endfilter %}{% autoescape b %}{{ c }}{% endautoescape %}",
    "{% for a, b in c if a and d %}{% else %}{{ a }}{% endfor %}",
    "plain",
)


@pytest.mark.parametrize("source", META)
@agree
def test_find_undeclared_variables(engine: Engine, source: str) -> Any:
    env = environment(engine)
    return submodule(engine, "meta").find_undeclared_variables(env.parse(source))


REFERENCES = (
    "{% extends 'a' %}{% include 'b' %}{% import 'c' as c %}{% from 'd' import d %}",
    "{% include ['a', 'b'] %}{% include ('c', 'd') %}",
    "{% include x %}{% include 'a' ~ 'b' %}{% include ['a', x] %}{% extends y %}",
    "{% if a %}{% include 'in_if' %}{% endif %}{% macro m() %}{% include 'in_macro' %}{% endmacro %}",
    "{% include 'a' ignore missing %}{% include 'b' without context %}{% include 'a' %}",
    "{% include 'a' if x else 'b' %}{% import 5 as x %}",
    "nothing",
)


@pytest.mark.parametrize("source", REFERENCES)
@agree
def test_find_referenced_templates(engine: Engine, source: str) -> Any:
    env = environment(engine)
    return list(submodule(engine, "meta").find_referenced_templates(env.parse(source)))


# Contexts.


@agree
def test_context_of_a_function(engine: Engine) -> Any:
    seen: list[Any] = []

    @engine.module.pass_context
    def look(context: Any) -> str:
        everything = {k: str(v) for k, v in context.get_all().items() if k not in context.environment.globals}
        everything.pop("look", None)
        seen.append(
            (
                everything,
                sorted(context.exported_vars),
                sorted(context.vars),
                sorted(set(context.parent) - set(context.environment.globals) - {"look"}),
                context.name,
                "given" in context,
                context.get("nothing", "default"),
                context["given"],
                context.resolve("given"),
                type(context.resolve("nothing")).__name__,
                sorted(context.blocks),
                context.eval_ctx.autoescape,
                sorted(context.get_exported()),
            )
        )
        return ""

    source = (
        "{{ look() }}{% set a = 1 %}{% set _b = 2 %}{{ look() }}{% if true %}{% set c = 3 %}{% endif %}"
        "{{ look() }}{% block x %}{{ look() }}{% set d = 4 %}{{ look() }}{% endblock %}"
        "{% for i in [1] %}{% block y scoped %}{{ look() }}{% endblock %}{% endfor %}"
    )
    environment(engine, {"t": source}).get_template("t").render(given="G", look=look)
    return seen


@agree
def test_context_missing_key(engine: Engine) -> Any:
    @engine.module.pass_context
    def look(context: Any) -> Any:
        return error(lambda: context["nothing"])

    return environment(engine).from_string("{{ look() }}").render(look=look)


@agree
def test_context_calls(engine: Engine) -> Any:
    m = engine.module

    @m.pass_context
    def with_context(context: Any, x: int) -> str:
        return f"c{context['a']}{x}"

    @m.pass_environment
    def with_environment(env: Any, x: int) -> str:
        return f"e{env.block_start_string}{x}"

    @m.pass_eval_context
    def with_eval_context(eval_context: Any, x: int) -> str:
        return f"v{eval_context.autoescape}{x}"

    class Callable_:
        @m.pass_context
        def __call__(self, context: Any, x: int) -> str:
            return f"o{context['a']}{x}"

        @m.pass_context
        def method(self, context: Any, x: int) -> str:
            return f"m{context['a']}{x}"

    source = "{{ f(1) }} {{ g(2) }} {{ h(3) }} {{ o(4) }} {{ o.method(5) }} {{ f(x=6) }} {{ f(*[7]) }}"
    return (
        environment(engine)
        .from_string(source)
        .render(a="A", f=with_context, g=with_environment, h=with_eval_context, o=Callable_())
    )


@agree
def test_context_call(engine: Engine) -> Any:
    @engine.module.pass_context
    def indirect(context: Any, name: str, *args: Any) -> Any:
        return context.call(context[name], *args)

    template = environment(engine).from_string(
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ indirect('m', 1) }}"
    )
    return template.render(indirect=indirect)


# Undefined objects.


@pytest.mark.parametrize("kind", ["Undefined", "ChainableUndefined", "DebugUndefined", "StrictUndefined"])
@agree
def test_undefined(engine: Engine, kind: str) -> Any:
    make = getattr(engine.module, kind)
    kinds = [
        make(name="x"),
        make(obj={"a": 1}, name="b"),
        make(obj=User("ann"), name="b"),
        make(obj=[1], name=5),
        make("a hint of its own"),
    ]
    actions: list[Callable[[Any], Any]] = [
        str, repr, bool, len, list, hash, iter, int, float, abs,
        lambda u: u.attribute, lambda u: u["item"], lambda u: u(), lambda u: u + 1, lambda u: 1 + u,
        lambda u: u < 1, lambda u: -u, lambda u: u == make(name="y"), lambda u: u != 1, lambda u: 1 in u,
        lambda u: f"{u}", lambda u: u.__html__(), lambda u: u._undefined_name,
        lambda u: u._undefined_message, lambda u: u.__missing_dunder__, lambda u: {"a": u} and "kept",
    ]  # fmt: skip
    results = []
    for undefined in kinds:
        for action in actions:
            try:
                result = action(undefined)
            except Exception as exception:
                result = exception
            results.append(
                (type(result).__name__, "" if "iterator" in repr(result) else tidy(str_or_type(result)))
            )
    return results


def str_or_type(value: Any) -> str:
    if type(value).__name__.endswith("Undefined"):
        return type(value).__name__
    return str(value) if isinstance(value, Exception | str | bool) else type(value).__name__


@agree
def test_logging_undefined(engine: Engine, caplog: Any) -> Any:
    import logging

    caplog.clear()
    kind = engine.module.make_logging_undefined(logging.getLogger("differential"), engine.module.Undefined)
    template = environment(engine, undefined=kind).from_string(
        "{{ x }}{% for i in y %}{% endfor %}{{ 1 if z }}"
    )
    template.render()
    error(environment(engine, undefined=kind).from_string("{{ x.y }}").render)
    return [(record.levelname, record.getMessage()) for record in caplog.records]


# Native types.


@pytest.mark.parametrize(
    "source",
    [
        "{{ 1 }}",
        "{{ [1] }}",
        "{{ x }}",
        "{{ 1 }}{{ 2 }}",
        "a{{ 1 }}",
        "",
        "{{ none }}",
        "[{{ 1 }}, 2]",
        "{{ '1' }}",
    ],
)
@agree
def test_native(engine: Engine, source: str) -> Any:
    value = engine.native_environment().from_string(source).render(x={"k": 1})
    return repr(value)


# Escaping.


@agree
def test_select_autoescape(engine: Engine) -> Any:
    decide = engine.module.select_autoescape()
    other = engine.module.select_autoescape(("x",), ("y",), default_for_string=False, default=True)
    names = ["a.html", "a.HTML", "a.htm", "a.xml", "a.txt", "a", None, "a.x", "a.y", "html"]
    return [decide(name) for name in names], [other(name) for name in names]


@agree
def test_autoescape_of_strings(engine: Engine) -> Any:
    env = environment(engine, autoescape=engine.module.select_autoescape())
    return env.from_string("{{ '<' }}").render()


# Extensions.


@agree
def test_preprocess(engine: Engine) -> Any:
    extension = submodule(engine, "ext").Extension

    class Shout(extension):
        priority = 5

        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
            return source.replace("!!", "{{ 'loud' }}")

    return environment(engine, extensions=[Shout]).from_string("a!!").render()


@agree
def test_babel_extract(engine: Engine) -> Any:
    from io import BytesIO

    source = (
        b"{{ _('one') }}\n{% trans %}two{% endtrans %}\n{{ ngettext('a', 'b', 3) }}"
        b"{% trans n=1 %}x{% pluralize %}y{% endtrans %}"
    )
    extract = submodule(engine, "ext").babel_extract
    return list(extract(BytesIO(source), ("_", "gettext", "ngettext"), [], {"extensions": ""}))
