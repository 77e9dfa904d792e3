"""Extensions that are written for Jinja2, in environments of tmplmon: what they do, and what tools see of them."""

import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import jinja2.ext
import pytest
from jinja2 import nodes
from jinja2.lexer import Token

import tmplmon
from tests.cases.engines import executed_lines
from tmplmon.ext import Extension, tag
from tmplmon.sandbox import SandboxedEnvironment

both_backends = pytest.mark.parametrize("backend", ["bytecode", "closures"])
both_bases = pytest.mark.parametrize("base", [Extension, jinja2.ext.Extension])


class Twice(Extension):
    """{% twice value %}body{% endtwice %}, with a tag that is a method beside it."""

    tags = frozenset({"twice"})

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        arguments = [parser.parse_expression(), nodes.DerivedContextReference()]
        body = parser.parse_statements(("name:endtwice",), drop_needle=True)
        call = self.call_method("_twice", arguments, lineno=line)
        return nodes.CallBlock(call, [], [], body, lineno=line)

    def _twice(self, value: Any, context: Any, caller: Any) -> str:
        return f"{value}{caller()}{caller()}"

    @tag(body=True)
    def wrap(self, left: str, right: str = "]", *, caller: Any) -> str:
        return left + caller() + right


@both_bases
def test_tags_are_a_set_of_names(base: Any) -> None:
    """A set of one tag of four letters, or of two, is not taken for pairs."""
    made = [type("X", (base,), {"tags": tags}) for tags in ({"test"}, {"up"}, ["a", "b"], frozenset({"c"}))]
    assert [sorted(cls.tags) for cls in made] == [["test"], ["up"], ["a", "b"], ["c"]]
    environment = tmplmon.Environment(extensions=made[:1])
    assert environment.from_string("{{ 1 }}").render() == "1"
    with pytest.raises(tmplmon.TemplateSyntaxError, match="test"):
        environment.from_string("{% test %}")


@both_bases
def test_extension_without_tags(base: Any) -> None:
    class Shout(base):  # type: ignore[misc]
        def __init__(self, environment: Any) -> None:
            super().__init__(environment)
            environment.filters["shout"] = lambda text: text + "!"
            environment.extend(shout_volume=11)

        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
            return source.replace("[[", "{{").replace("]]", "}}")

    environment = tmplmon.Environment(extensions=[Shout])
    assert environment.from_string("[[ 'a'|shout ]]").render() == "a!"
    assert environment.shout_volume == 11  # type: ignore[attr-defined]


@both_backends
def test_both_kinds_of_tags_in_one_template(backend: Any) -> None:
    names = ["jinja2.ext.do", "jinja2.ext.loopcontrols", jinja2.ext.i18n, jinja2.ext.debug, Twice]
    environment = tmplmon.Environment(extensions=names, backend=backend, autoescape=True)
    environment.install_null_translations()  # type: ignore[attr-defined]
    template = environment.from_string(
        "{% for i in [1, 2] %}{% wrap '<', right='>' %}{% twice i %}{% do i %}{{ '&' }}{% endtwice %}{% endwrap %}"
        "{% trans n=i %}n {{ n }}{% pluralize %}ns {{ n }}{% endtrans %}{% continue %}{% endfor %}"
    )
    assert template.render() == "&lt;1&amp;&amp;&gt;n 1&lt;2&amp;&amp;&gt;ns 2"
    assert "filters" in environment.from_string("{% twice 1 %}{% endtwice %}{% debug %}").render()


def test_arguments_of_a_method_tag() -> None:
    class Show(Extension):
        @tag()
        def show(self, *args: Any, **kwargs: Any) -> str:
            return f"{args}{kwargs}"

    environment = tmplmon.Environment(extensions=[Show, Twice])
    for arguments in ("", "1", "1, *[2, 3]", "a=1", "1, a=2", "*[1], a=2, **{'b': 3}"):
        plain = environment.from_string("{% show " + arguments + " %}").render()
        assert (
            environment.from_string("{% twice 0 %}{% endtwice %}{% show " + arguments + " %}").render()
            == "0" + plain
        )
    for wrong in ("a=1, 2", "**{}, 1", "1 2", "*[1], 2"):
        with pytest.raises(tmplmon.TemplateSyntaxError):
            environment.from_string("{% twice 0 %}{% endtwice %}{% show " + wrong + " %}")


def test_templates_without_the_tag_keep_their_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = tmplmon.Environment(extensions=[Twice])
    monkeypatch.setattr("tmplmon.jinjaparser.parse.parse", None)
    assert environment.from_string("{% wrap '[' %}{{ 1 }}{% endwrap %}").render() == "[1]"


class Angles(jinja2.ext.Extension):
    """``<name>`` in text outputs a variable."""

    def filter_stream(self, stream: Any) -> Iterator[Token]:
        for token in stream:
            if token.type != "data":
                yield token
                continue
            text = str(token.value)
            while "<" in text:
                before, _, rest = text.partition("<")
                name, _, text = rest.partition(">")
                yield Token(token.lineno, "data", before)
                yield Token(token.lineno, "variable_begin", "")
                yield Token(token.lineno, "name", name)
                yield Token(token.lineno, "variable_end", "")
            yield Token(token.lineno, "data", text)


@both_backends
def test_filter_stream(backend: Any) -> None:
    environment = tmplmon.Environment(extensions=[Angles], backend=backend)
    assert environment.from_string("Hello <name>, <x>.{{ name }}").render(name="A", x=1) == "Hello A, 1.A"
    # An overlay has extensions of its own.
    assert environment.overlay(trim_blocks=True).from_string("{% if 1 %}\n<x>{% endif %}").render(x=1) == "1"


def test_without_jinja2() -> None:
    """An extension that needs Jinja2's parser says so when it is added. Others work."""
    program = """
import sys
sys.modules["jinja2"] = sys.modules["jinja2.parser"] = None
from tmplmon import Environment
from tmplmon.ext import Extension, tag
class Tagged(Extension):
    tags = {"x"}
    def parse(self, parser): ...
class Filtering(Extension):
    def filter_stream(self, stream): ...
class Plain(Extension):
    tags = {"y"}
    @tag()
    def own(self): return "own"
for cls in Tagged, Filtering:
    try:
        Environment(extensions=[cls])
    except ImportError as error:
        print(error)
print(Environment(extensions=[Plain, "jinja2.ext.do", "jinja2.ext.i18n"]).from_string("{% own %}").render())
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first, second, last = result.stdout.splitlines()
    assert first.startswith("the extension __main__.Tagged has a method 'parse'")
    assert second.startswith("the extension __main__.Filtering has a method 'filter_stream'")
    assert "pip install jinja2" in first
    assert last == "own"


# --- what tools see ------------------------------------------------------------------------------------------

SOURCE = """\
{% set n = 1 %}
{% twice user.name.first %}
  {% if n %}
    {{ n / zero }}
  {% endif %}
{% endtwice %}
"""


def environment_of(files: dict[str, str], **options: Any) -> Any:
    loader = tmplmon.FunctionLoader(lambda name: (files[name], f"/templates/{name}", lambda: True))
    return tmplmon.Environment(loader=loader, extensions=[Twice], **options)


@both_backends
def test_places_in_tracebacks(backend: Any) -> None:
    environment = environment_of({"page": SOURCE}, backend=backend)
    with pytest.raises(ZeroDivisionError) as raised:
        environment.get_template("page").render(user={"name": {"first": "A"}}, zero=0)
    places = []
    for frame in traceback.extract_tb(raised.value.__traceback__):
        if frame.filename == "/templates/page":
            text = SOURCE.splitlines()[(frame.lineno or 0) - 1]
            places.append((frame.lineno, text[frame.colno : frame.end_colno], frame.name))
    assert places == [(2, "twice user.name.first", "<template>"), (4, "n / zero", "caller")]
    with pytest.raises(tmplmon.UndefinedError) as undefined:
        environment.get_template("page").render(user={})
    (frame,) = [
        f for f in traceback.extract_tb(undefined.value.__traceback__) if f.filename == "/templates/page"
    ]
    assert SOURCE.splitlines()[1][frame.colno : frame.end_colno] == "user.name.first"


@both_backends
def test_lines_and_branches(backend: Any) -> None:
    environment = environment_of({"page": SOURCE}, backend=backend)
    with executed_lines() as lines:
        environment.get_template("page").render(user={"name": {"first": "A"}}, zero=2)
    assert [line for _, line in lines] == [1, 2, 3, 4, 3, 4]
    code_map = tmplmon.code_map(environment, SOURCE)
    assert sorted(code_map.lines) == [1, 2, 3, 4]
    assert sorted(code_map.branches) == [3]


def test_syntax_errors_have_a_place() -> None:
    environment = environment_of(
        {"page": "a\n{% twice 1 + %}{% endtwice %}", "tag": "{% twice x %}{% for %}"}
    )
    with pytest.raises(tmplmon.TemplateSyntaxError) as raised:
        environment.get_template("page")
    error = raised.value
    assert (error.lineno, error.column, error.name, error.filename) == (2, 13, "page", "/templates/page")
    with pytest.raises(tmplmon.TemplateSyntaxError):
        environment.get_template("tag")
    with pytest.raises(tmplmon.TemplateAssertionError, match="No filter named 'nope'"):
        environment.from_string("{% twice x|nope %}{% endtwice %}")


def test_misplaced_nodes_are_an_error() -> None:
    class Wrong(Extension):
        tags = frozenset({"wrong"})

        def parse(self, parser: Any) -> Any:
            return nodes.Const(1, lineno=next(parser.stream).lineno)

    with pytest.raises(tmplmon.TemplateAssertionError, match="node Const where the template cannot have one"):
        tmplmon.Environment(extensions=[Wrong]).from_string("{% wrong %}")


@pytest.mark.parametrize("safe", [True, False])
def test_sandbox_decides_about_methods(safe: bool) -> None:
    """Private methods of an extension may be called, because the template did not name them. A method that is
    marked as unsafe may not, as in Jinja2."""

    class Act(Extension):
        tags = frozenset({"act"})

        def parse(self, parser: Any) -> Any:
            return nodes.Output([self.call_method("_act", lineno=next(parser.stream).lineno)])

        def _act(self) -> str:
            return "done"

        _act.unsafe_callable = not safe  # type: ignore[attr-defined]

    template = SandboxedEnvironment(extensions=[Act]).from_string("{% act %}")
    if safe:
        assert template.render() == "done"
    else:
        with pytest.raises(tmplmon.SecurityError):
            template.render()


def test_no_disk_cache(tmp_path: Path) -> None:
    environment = tmplmon.Environment(extensions=[Twice], cache_dir=tmp_path)
    environment.from_string("{% twice 1 %}{% endtwice %}")
    assert not list(tmp_path.iterdir())
    environment.from_string("{{ 1 }}")
    assert list(tmp_path.iterdir())


def test_meta() -> None:
    from tmplmon import meta

    environment = tmplmon.Environment(extensions=[Twice])
    tree = environment.parse("{% twice a %}{% include 'b' %}{{ c }}{% endtwice %}")
    assert meta.find_undeclared_variables(tree) == {"a", "c"}
    assert list(meta.find_referenced_templates(tree)) == ["b"]
