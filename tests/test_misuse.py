"""Unusual arguments of applications: they work, or the error says what to pass instead."""

import subprocess
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

import tmplmon
from tmplmon import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    FunctionLoader,
    PrefixLoader,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from tmplmon.sandbox import SandboxedEnvironment

backends = pytest.mark.parametrize("backend", ["bytecode", "closures"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"text", "the source of a template is a str, not bytes; decode it first"),
        (None, "the source of a template is a str, not NoneType"),
        (Path("page.html"), "the source of a template is a str, not PosixPath"),
    ],
)
def test_the_source_of_a_template_is_text(source: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        Environment().from_string(source)


@backends
def test_names_may_be_paths(backend: str) -> None:
    environment = Environment(loader=DictLoader({"a/page.html": "page"}), backend=backend)
    path = PurePosixPath("a") / "page.html"
    assert environment.get_template(path) is environment.get_template("a/page.html")
    assert environment.select_template(["no", path]).render() == "page"
    assert environment.get_or_select_template(path).render() == "page"
    assert environment.from_string("{% include p %}{% extends p %}").render(p=path) == "pagepage"
    with pytest.raises(tmplmon.TemplateNotFound, match="b/page"):
        environment.get_template(PurePosixPath("b/page"))
    if sys.platform == "win32":
        assert environment.get_template(PureWindowsPath("a\\page.html")).render() == "page"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "page.html").write_bytes("\ufeff{{ 1 }}\ufeff".encode(encoding))
    environment = Environment(loader=FileSystemLoader(tmp_path, encoding=encoding))
    assert environment.get_template("page.html").render() == "1\ufeff"


def test_modules_are_attributes_of_the_package() -> None:
    assert tmplmon.exceptions.TemplateError is tmplmon.TemplateError
    assert tmplmon.loaders.DictLoader is DictLoader
    assert tmplmon.sandbox.SandboxedEnvironment.sandboxed
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tmplmon.nothing  # noqa: B018


def test_an_error_in_the_module_of_an_extension_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "extension_that_fails.py").write_text("import os\nos.nothing_of_this_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        Environment(extensions=["extension_that_fails.Extension"])
    with pytest.raises(ImportError, match=r"module 'tmplmon\.ext' has no extension 'Nothing'"):
        Environment(extensions=["tmplmon.ext.Nothing"])


def hiding_places(first: Path, second: Path) -> dict[str, BaseLoader]:
    later = FileSystemLoader(second)
    return {
        "directories": FileSystemLoader([first, second]),
        "loaders": ChoiceLoader([FileSystemLoader(first), later]),
        "unlike loaders": ChoiceLoader([FunctionLoader(lambda name: None), FileSystemLoader(first), later]),
        "nested": ChoiceLoader([ChoiceLoader([DictLoader({}), FileSystemLoader([first])]), later]),
    }


@pytest.mark.parametrize("kind", ["directories", "loaders", "unlike loaders", "nested"])
def test_a_new_file_in_an_earlier_directory_is_used(tmp_path: Path, kind: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (second / "page").write_text("second")
    loader = hiding_places(first, second)[kind]
    environment = Environment(loader=PrefixLoader({"site": loader}))
    template = environment.get_template("site/page")
    assert template.render() == "second"
    assert environment.get_template("site/page") is template
    (first / "page").write_text("first")
    assert environment.get_template("site/page").render() == "first"
    (first / "page").unlink()
    assert environment.get_template("site/page").render() == "second"


def test_a_loader_that_has_a_file_but_does_not_give_it_hides_nothing() -> None:
    class Private(DictLoader):
        def get_source(self, environment: Environment, template: str) -> Any:
            raise tmplmon.TemplateNotFound(template)

    environment = Environment(
        loader=ChoiceLoader([Private({"page": "private"}), DictLoader({"page": "public"})])
    )
    template = environment.get_template("page")
    assert template.render() == "public"
    assert environment.get_template("page") is template


NO_NAMES = ["[5]", "[none, [1]]", "{}", "range(2)", "['a', 5]", "'a\\0b'"]
# An include takes one name or several, so that these may be TypeErrors there, as in Jinja2.
NOT_ITERABLE = ["5", "none", "true", "1.5", "dict", "self", "x"]


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize(
    "loader",
    [
        DictLoader({}),
        FileSystemLoader("/nowhere"),
        PrefixLoader({"a": DictLoader({})}),
        ChoiceLoader([DictLoader({}), FileSystemLoader("/nowhere")]),
    ],
    ids=lambda loader: type(loader).__name__,
)
def test_values_that_cannot_be_the_name_of_a_template(loader: Any, backend: Any) -> None:
    for environment in (Environment(loader=loader, backend=backend), SandboxedEnvironment(loader=loader)):
        for value in (*NO_NAMES, *NOT_ITERABLE):
            for tag in ("include", "extends", "import"):
                source = f"{{% {tag} {value} {'as y' if tag == 'import' else ''} %}}"
                may_be_type_error = tag == "include" and value in NOT_ITERABLE
                with pytest.raises((TemplateError, *[TypeError] * may_be_type_error)) as caught:
                    environment.from_string(source).render(x=object())
                assert not isinstance(caught.value, TemplateSyntaxError), source
        name: Any
        for name in (5, None, ["a"], b"a", "a\0b", "a\ud800"):
            with pytest.raises(TemplateNotFound) as not_found:
                environment.get_template(name)
            assert not_found.value.name == name
        assert environment.from_string("{% include [none, 5] ignore missing %}").render() == ""


def test_the_message_for_a_value_that_cannot_be_a_name() -> None:
    name: Any = ["a" * 1000]
    with pytest.raises(TemplateNotFound, match=r"^a template's name is a string, not list: \['a{98}…$"):
        Environment(loader=DictLoader({})).get_template(name)


def test_all_names_can_be_imported_without_coverage() -> None:
    program = (
        "import sys; sys.modules['coverage'] = None\nfrom tmplmon import *\nprint(Environment, Template)"
    )
    assert "tmplmon.template.Template" in subprocess.check_output([sys.executable, "-c", program], text=True)
