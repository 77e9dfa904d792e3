"""Uses of Jinja2's API beyond rendering: subclasses, overridden steps, tables, caches, nodes."""

import asyncio
import pickle
import traceback
from collections import ChainMap
from typing import Any

import pytest


def test_both_kinds_of_templates(jinja2: Any) -> None:
    environment = jinja2.Environment(
        extensions=["jinja2.ext.do", "jinja2.ext.i18n", "jinja2.ext.loopcontrols"]
    )
    environment.install_null_translations()
    assert list(environment.extensions) == [
        "jinja2.ext.ExprStmtExtension",
        "jinja2.ext.InternationalizationExtension",
        "jinja2.ext.LoopControlExtension",
    ]
    source = "{% for i in [1, 2] %}{% do i %}{% trans n=i %}n {{ n }}{% endtrans %}{% break %}{% endfor %}"
    assert environment.from_string(source).render() == "n 1"
    assert jinja2.Template("{{ x }}!", "{%").render(x=1) == "1!"
    assert environment.overlay("<%").from_string("<% if 1 %}a<% endif %}").render() == "a"


def test_positional_arguments(jinja2: Any) -> None:
    environment = jinja2.Environment("<%", "%>", "<<", ">>", "<#", "#>", None, None, True)
    assert environment.from_string("<% if 1 %>\n<< 1 >><# x #><% endif %>").render() == "1"
    with pytest.raises(TypeError, match="multiple values"):
        jinja2.Environment("<%", block_start_string="<%")
    with pytest.raises(TypeError, match="positional"):
        jinja2.Environment(*range(30))


def test_a_parser_of_the_application(jinja2: Any) -> None:
    """dbt has subclasses of the parser and the environment."""
    from jinja2 import nodes
    from jinja2.parser import Parser

    class Prefixing(Parser):
        def parse_macro(self) -> Any:
            node = nodes.Macro(lineno=next(self.stream).lineno)
            node.name = "dbt_" + self.parse_assign_target(name_only=True).name
            self.parse_signature(node)
            node.body = self.parse_statements(("name:endmacro",), drop_needle=True)
            return node

    class Fuzzed(jinja2.Environment):
        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            return Prefixing(self, source, name, filename).parse()

        def _compile(self, source: str, filename: str) -> Any:
            raise AssertionError("it is for Python source")

    environment = Fuzzed(extensions=["jinja2.ext.do"], trim_blocks=True)
    template = environment.from_string("{% macro f(x) %}\n<{{ x }}>{% endmacro %}\n{{ dbt_f(1) }}")
    assert template.render() == "<1>"
    assert template.module.dbt_f("a") == "<a>"


def test_a_lexer_and_tokens_of_the_application(jinja2: Any) -> None:
    from jinja2.lexer import Lexer, Token, TokenStream

    class Commenting(Lexer):
        def tokeniter(self, source: str, name: Any, filename: Any = None, state: Any = None) -> Any:
            return super().tokeniter(source.replace("[x]", "{{ x }}"), name, filename, state)

    class WithLexer(jinja2.Environment):
        @property
        def lexer(self) -> Any:
            return Commenting(self)

    class WithTokens(jinja2.Environment):
        def _tokenize(self, source: str, name: Any, filename: Any = None, state: Any = None) -> Any:
            tokens = super()._tokenize(source, name, filename, state)
            made = (Token(t.lineno, t.type, t.value.upper() if t.type == "data" else t.value) for t in tokens)
            return TokenStream(made, name, filename)

    assert WithLexer().from_string("a[x]{{ y }}").render(x=1, y=2) == "a12"
    assert WithTokens().from_string("a{{ x }}b").render(x="x") == "AxB"


def test_sources_are_preprocessed_once(jinja2: Any) -> None:
    from jinja2.ext import Extension

    class Doubling(Extension):
        tags = frozenset({"x"})

        def preprocess(self, source: str, name: Any, filename: Any = None) -> str:
            return source.replace("a", "aa")

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return []

    environment = jinja2.Environment(extensions=[Doubling])
    assert environment.from_string("{% x %}a").render() == "aa"
    assert environment.from_string("a").render() == "aa"
    assert environment.parse("a").body[0].nodes[0].data == "aa"


def test_trees_are_templates(jinja2: Any) -> None:
    from jinja2 import meta, nodes

    environment = jinja2.Environment()
    tree = environment.parse("a\n{{ x / y }}{% include 'b' ignore missing %}")
    assert meta.find_undeclared_variables(tree) == {"x", "y"}
    assert list(meta.find_referenced_templates(tree)) == ["b"]
    for name in tree.find_all(nodes.Name):
        name.name += "1"
    template = environment.from_string(tree)
    with pytest.raises(ZeroDivisionError) as raised:
        template.render(x1=1, y1=0)
    frame = traceback.extract_tb(raised.value.__traceback__)[-1]
    assert (frame.lineno, frame.colno, frame.end_colno) == (2, 3, 8)
    made = nodes.Template(
        [nodes.Output([nodes.TemplateData("made"), nodes.Name("x", "load")], lineno=5)], lineno=1
    )
    made.set_environment(environment)
    assert environment.from_string(made).render(x=1) == "made1"


def test_steps_that_subclasses_override(jinja2: Any) -> None:
    calls: list[str] = []

    class Context(jinja2.runtime.Context):
        def resolve_or_missing(self, key: str) -> Any:
            return f"<{key}>" if key.isupper() else super().resolve_or_missing(key)

    class Template(jinja2.Template):
        def new_context(self, vars: Any = None, shared: bool = False, locals: Any = None) -> Any:
            calls.append("new_context")
            return super().new_context({**(vars or {}), "added": "A"}, shared, locals)

    class Environment(jinja2.Environment):
        context_class = Context
        template_class = Template
        concat = staticmethod(lambda chunks: "|".join(chunks))

        def handle_exception(self, source: str | None = None) -> Any:
            calls.append("handle_exception")
            super().handle_exception(source)

        def make_globals(self, d: Any) -> Any:
            calls.append("make_globals")
            return ChainMap({"g": "G"}, super().make_globals(d))

        def _load_template(self, name: str, globals: Any) -> Any:
            calls.append("_load_template")
            return super()._load_template(name.removesuffix(".html"), globals)

        def compile(self, source: Any, *args: Any, **kwargs: Any) -> Any:
            calls.append("compile")
            return super().compile(source, *args, **kwargs)

    environment = Environment(loader=jinja2.DictLoader({"page": "{{ ABC }}{{ g }}{{ added }}{{ 1 / zero }}"}))
    template = environment.get_template("page.html")
    assert calls == ["_load_template", "make_globals", "compile"]
    assert template.render(zero=1) in ("<ABC>|G|A|1.0", "<ABC>GA1.0")
    calls.clear()
    with pytest.raises(ZeroDivisionError):
        template.render(zero=0)
    assert calls == ["new_context", "handle_exception"]
    calls.clear()
    with pytest.raises(jinja2.TemplateSyntaxError):
        environment.from_string("{{")
    assert calls[-1] == "handle_exception"


def test_compiled_code_is_opaque(jinja2: Any) -> None:
    environment = jinja2.Environment()
    environment.globals["g"] = 1
    shared = jinja2.Template.from_code(environment, environment.compile("{{ g }}"), environment.globals)
    environment.globals["g"] = 2
    assert shared.render() == "2"
    code = environment.compile("{{ x }}", "page.html", "/srv/page.html")
    template = environment.template_class.from_code(
        environment, code, environment.make_globals({"x": 1}), None
    )
    assert (template.render(), template.name, template.filename) == ("1", "page.html", "/srv/page.html")
    context = template.new_context({"x": 2})
    assert "".join(template.root_render_func(context)) == "2"
    blocks = environment.from_string("{% block b %}{{ x }}{% endblock %}")
    assert "".join(blocks.blocks["b"](blocks.new_context({"x": 3}))) == "3"


def test_new_context_of_the_run_time(jinja2: Any) -> None:
    from jinja2.runtime import new_context

    template = jinja2.Environment().from_string("{% block b %}{{ x }}{% endblock %}{{ range }}")
    context = new_context(template.environment, "t", template.blocks, {"x": 1}, True)
    assert "".join(template.root_render_func(context)) == "1"
    assert "range" not in context


def test_native_values(jinja2: Any) -> None:
    from jinja2.nativetypes import NativeCodeGenerator, NativeTemplate
    from jinja2.sandbox import SandboxedEnvironment

    class NativeSandbox(SandboxedEnvironment):
        code_generator_class = NativeCodeGenerator

    environment = NativeSandbox()
    assert list(
        environment.from_string("{{ [1] }}{{ 2 }}").root_render_func(
            environment.from_string("").new_context()
        )
    ) == [[1], 2]
    environment.template_class = NativeTemplate
    assert environment.from_string("{{ [1] }}").render() == [1]


def test_unsupported_features(jinja2: Any) -> None:
    from jinja2.compiler import CodeGenerator

    class Own(CodeGenerator):
        def visit_Output(self, node: Any, frame: Any) -> None: ...

    class Plain(CodeGenerator):
        """Without methods."""

    environment = jinja2.Environment()
    for use in (
        lambda: environment.compile("", raw=True),
        lambda: environment.compile_templates("x"),
        lambda: jinja2.ModuleLoader("x"),
        lambda: jinja2.Template.from_code(environment, compile("1", "x", "exec"), {}),
        lambda: jinja2.Template.from_module_dict(environment, {}, {}),
        lambda: type("E", (jinja2.Environment,), {"code_generator_class": Own})().from_string(""),
    ):
        with pytest.raises(NotImplementedError, match=r"python -m tmplmon\.observe"):
            use()
    assert (
        type("E", (jinja2.Environment,), {"code_generator_class": Plain})().from_string("a").render() == "a"
    )


def test_undefined_that_is_set_later(jinja2: Any) -> None:
    environment = jinja2.Environment()
    template = environment.from_string("[{{ x }}]{{ y.z }}")
    with pytest.raises(jinja2.UndefinedError):
        template.render()
    environment.undefined = jinja2.ChainableUndefined
    assert template.render() == "[]"
    environment.undefined = jinja2.StrictUndefined
    with pytest.raises(jinja2.UndefinedError):
        template.render(y={"z": 1})
    overlay = environment.overlay(undefined=jinja2.DebugUndefined)
    assert overlay.from_string("{{ x }}").render() == "{{ x }}"


def test_names_of_frames(jinja2: Any) -> None:
    source = "{% macro m() %}{{ 1 / 0 }}{% endmacro %}{% block b %}{{ m() }}{% endblock %}"
    with pytest.raises(ZeroDivisionError) as raised:
        jinja2.Environment().from_string("{% macro m() %}{{ 1 / 0 }}{% endmacro %}{{ m() }}").render()
    names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert names[-2:] == ["top-level template code", "template"]
    with pytest.raises(ZeroDivisionError) as raised:
        jinja2.Environment().from_string(source.replace("m() }}{% endblock", "1 / 0 }}{% endblock")).render()
    names = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert names[-2:] == ["top-level template code", "block 'b'"]


def test_caches(jinja2: Any) -> None:
    loader = jinja2.DictLoader({"a": "{{ g }}"})
    environment = jinja2.Environment(loader=loader, bytecode_cache=jinja2.FileSystemBytecodeCache())
    template = environment.get_template("a")
    # As in Jinja2, the globals belong to the cached template.
    assert environment.get_template("a", globals={"g": 1}) is template
    assert template.render() == "1"
    environment.cache.clear()
    assert environment.get_template("a") is not template
    environment.cache = None
    assert environment.get_template("a") is not environment.get_template("a")
    assert jinja2.Environment(cache_size=-1, loader=loader).get_template("a").render(g=2) == "2"
    jinja2.clear_caches()


def test_syntax_errors_have_jinja2s_messages(jinja2: Any) -> None:
    """Applications may compare the message of a syntax error. The location is shown as well."""
    with pytest.raises(jinja2.TemplateSyntaxError) as raised:
        jinja2.Environment().from_string("a\n{% for x in y %}{% endif %}")
    error = raised.value
    assert error.message.startswith(
        "Encountered unknown tag 'endif'. Jinja was looking for the following tags:"
    )
    assert (error.lineno, error.column) == (2, 19)
    assert pickle.loads(pickle.dumps(error)).lineno == 2
    for expression, message in (("x y", "chunk after expression"), ("x +", "unexpected 'end of template'")):
        with pytest.raises(jinja2.TemplateSyntaxError, match=message):
            jinja2.Environment().compile_expression(expression)
    assert jinja2.Environment().compile_expression("x + 1")(x=1) == 2


def test_asynchronous_templates(jinja2: Any) -> None:
    environment = jinja2.Environment(enable_async=True)

    async def f() -> str:
        return "awaited"

    assert asyncio.run(environment.from_string("{{ f() }}").render_async(f=f)) == "awaited"
    assert environment.from_string("{{ f() }}").render(f=f) == "awaited"


def test_sandbox(jinja2: Any) -> None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment, SecurityError

    with pytest.raises(SecurityError):
        SandboxedEnvironment().from_string("{{ ''.__class__.mro() }}").render()
    with pytest.raises(SecurityError):
        ImmutableSandboxedEnvironment().from_string("{{ x.append(1) }}").render(x=[])
