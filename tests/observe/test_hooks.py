"""Features of Jinja2 that work while it is observed: caches, subclasses, other kinds of environments."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nativetypes
import jinja2.sandbox
import pytest

from tmplmon import observe
from tmplmon.observe.hooks import _HOOKS

OBSERVED = "top-level template code"
SOURCE = "a\n{% for x in xs %}\n{{ x + 1 }}\n{% endfor %}\n"


def name_of(template: jinja2.Template) -> str:
    return template.root_render_func.__code__.co_name  # type: ignore[attr-defined, no-any-return]


def test_everything_is_restored() -> None:
    before = [owner.__dict__.get(name) for owner, name, _ in _HOOKS]
    observe.install()
    observe.install()
    during = [owner.__dict__.get(name) for owner, name, _ in _HOOKS]
    observe.uninstall()
    assert [owner.__dict__.get(name) for owner, name, _ in _HOOKS] == before
    assert all(one is not other for one, other in zip(before, during, strict=True))


def test_a_bytecode_cache_is_not_shared_with_processes_that_do_not_observe(tmp_path: Path) -> None:
    cache = jinja2.FileSystemBytecodeCache(str(tmp_path))

    def render() -> str:
        environment = jinja2.Environment(loader=jinja2.DictLoader({"a": SOURCE}), bytecode_cache=cache)
        template = environment.get_template("a")
        assert template.render(xs=[1]) == "a\n\n2\n"
        return name_of(template)

    for _ in range(2):
        assert render() == "root"
        observe.install()
        assert render() == render() == OBSERVED
        observe.uninstall()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.usefixtures("observed")
class TestEnvironments:
    def test_native(self) -> None:
        environment = jinja2.nativetypes.NativeEnvironment()
        assert environment.from_string("{{ [1, x] }}").render(x=2) == [1, 2]
        assert environment.from_string("{{ x }}").render(x={1: 2}) == {1: 2}
        assert environment.from_string("{% set y %}1{{ x }}{% endset %}{{ y }}{{ 3 }}").render(x=2) == 123

    def test_sandboxed(self) -> None:
        environment = jinja2.sandbox.SandboxedEnvironment()
        assert environment.from_string("{{ x ** 2 }}").render(x=3) == "9"
        with pytest.raises(jinja2.sandbox.SecurityError):
            environment.from_string("{{ x.__class__.mro() }}").render(x=3)

    def test_asynchronous(self) -> None:
        environment = jinja2.Environment(enable_async=True)
        template = environment.from_string("{% for x in xs() %}\n{{ x }}{{ f() }}\n{% endfor %}")

        async def xs() -> Any:
            yield 1

        async def f() -> int:
            return 2

        assert asyncio.run(template.render_async(xs=xs, f=f)) == "\n12\n"
        assert name_of(template) == OBSERVED

    def test_expression(self) -> None:
        expression = jinja2.Environment().compile_expression("x + 1 if x else None")
        assert (expression(x=1), expression(x=0)) == (2, None)

    def test_subclass(self, tmp_path: Path) -> None:
        class Environment(jinja2.Environment):
            def _compile(self, source: str, filename: str) -> Any:
                return super()._compile(source, str(tmp_path / "other.html"))

            def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
                return super()._parse(source.replace("[", "{{").replace("]", "}}"), name, filename)

        template = Environment().from_string("[ x ]")
        assert template.render(x=1) == "1"
        assert name_of(template) == OBSERVED
        assert template.filename == str(tmp_path / "other.html")

    def test_a_code_generator_that_changes_the_source(self) -> None:
        class Environment(jinja2.Environment):
            def _generate(self, *args: Any, **kwargs: Any) -> str:
                return f"{super()._generate(*args, **kwargs)}\nlater = 1"

        template = Environment().from_string(SOURCE)
        assert template.render(xs=[1]) == "a\n\n2\n"
        assert name_of(template) == "root"

    def test_an_extension_whose_nodes_have_no_lines(self) -> None:
        class Twice(jinja2.ext.Extension):
            tags = {"twice"}  # noqa: RUF012

            def parse(self, parser: Any) -> Any:
                next(parser.stream)
                value = parser.parse_expression()
                body = parser.parse_statements(("name:endtwice",), drop_needle=True)
                nodes = jinja2.nodes
                inner = nodes.If(nodes.Const(True), [*body], [], [])
                return [nodes.Output([value, nodes.TemplateData("!")]), inner, nodes.Scope([inner])]

        environment = jinja2.Environment(extensions=[Twice])
        template = environment.from_string("{% twice x %}\n{{ y }}\n{% endtwice %}")
        assert template.render(x=1, y=2) == "1!\n2\n\n2\n"

    def test_a_deep_template(self) -> None:
        depth = 40
        source = "(" * depth + "x" + ")" * depth
        assert jinja2.Environment().from_string("{{ " + source + " }}").render(x=1) == "1"
        source = "{% if x %}" * 15 + "y" + "{% endif %}\n" * 15
        assert jinja2.Environment().from_string(source).render(x=1) == "y" + "\n" * 14

    def test_pieces_of_a_stream(self) -> None:
        template = jinja2.Environment().from_string("a{{ 1 }}\n{# c #}\n{{ x }}\n{% if x %}b{% endif %}\n\nc")
        pieces = list(template.generate(x=2))
        observe.uninstall()
        plain = jinja2.Environment().from_string("a{{ 1 }}\n{# c #}\n{{ x }}\n{% if x %}b{% endif %}\n\nc")
        assert pieces == list(plain.generate(x=2))
        observe.install()


def test_templates_that_were_compiled_before() -> None:
    template = jinja2.Environment().from_string("a\n{{ 1 / x }}")
    observe.install()
    try:
        template.render(x=0)
    except ZeroDivisionError as error:
        lines = []
        traceback = error.__traceback__
        while traceback is not None:
            lines.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
            traceback = traceback.tb_next
        assert ("<template>", 2) in lines
    finally:
        observe.uninstall()
    assert sys.modules["tmplmon.observe.hooks"].is_installed() is False
