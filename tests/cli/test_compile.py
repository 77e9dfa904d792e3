"""``tmplmon compile``, and deployments that only read its output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, write
from tmplmon.diskcache import DiskCache


@pytest.fixture
def site(here: Path) -> Path:
    write(
        here,
        templates__base_html="<title>{% block title %}{% endblock %}</title>",
        templates__page_html="{% extends 'base.html' %}{% block title %}{{ title|upper }}{% endblock %}",
        templates__style_css="{% not a template",
    )
    return here


# An application that cannot compile, and prints its imported modules.
READ_ONLY = """
import sys
sys.modules["lark"] = None
from tmplmon import Environment, FileSystemLoader
environment = Environment(loader=FileSystemLoader("templates"), cache_dir="compiled", OPTIONS)
page = environment.get_template("page.html")
print(page.render(title="<x>"), "".join(page.generate(title="y")))
compilers = ("tmplmon.syntax", "tmplmon.ir", "lark.")
print(*sorted(name for name in sys.modules if name.startswith(compilers)))
"""


def run(program: str, options: str = "autoescape=True") -> str:
    command = [sys.executable, "-c", program.replace("OPTIONS", options)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_application_that_compiles_nothing(site: Path, tmplmon: Command) -> None:
    result = tmplmon("compile templates --autoescape on -o compiled")
    assert result.status == 0 and result.out.startswith("compiled: 2 templates compiled in ")
    before = {path.name: path.stat().st_mtime_ns for path in (site / "compiled").iterdir()}
    (site / "compiled").chmod(0o555)
    assert run(READ_ONLY) == "<title>&lt;X&gt;</title> <title>Y</title>\n\n"
    assert {path.name: path.stat().st_mtime_ns for path in (site / "compiled").iterdir()} == before
    assert len(before) == 4
    if os.name == "posix":
        assert (site / "compiled").stat().st_mode & 0o777 == 0o555


def test_the_environment_of_an_application(site: Path, tmplmon: Command) -> None:
    write(
        site,
        compiled_app_py=(
            "from tmplmon import Environment, FileSystemLoader\n"
            "class Templates:\n"
            "    env = Environment(loader=FileSystemLoader('templates'), finalize=lambda value: value)\n"
            "    def make(): return Templates.env\n"
            "templates = Templates()\n"
        ),
    )
    options = "finalize=lambda value: value"
    for number, name in enumerate(("Templates.env", "templates", "Templates.make")):
        result = tmplmon(f"compile --environment compiled_app:{name} -o compiled{number} --quiet")
        assert (result.status, result.out, result.err) == (0, "", "")
        assert run(READ_ONLY.replace("compiled", f"compiled{number}"), options).startswith("<title><X>")
    sys.modules.pop("compiled_app", None)


def test_unsuitable_files_are_not_used(site: Path, tmplmon: Command) -> None:
    """If the options or the source differ, the template is compiled."""
    tmplmon("compile templates -o compiled -q")
    program = READ_ONLY.replace('sys.modules["lark"] = None\n', "")
    assert "tmplmon.syntax.lexer" in run(program, "trim_blocks=True")
    (site / "templates/page.html").write_text("{{ title }}!")
    assert run(program).startswith("&lt;x&gt;! y!")


def test_mistakes_are_reported(site: Path, tmplmon: Command) -> None:
    write(site, templates__wrong_html="{% if %}")
    result = tmplmon("compile templates -o compiled")
    assert result.status == 1 and "templates/wrong.html:1" in result.err
    assert result.out.startswith("compiled: 2 templates compiled")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-o x", "say which directories"),
        ("nothing -o x", "nothing is not a directory"),
        ("templates --environment a:b -o x", "either directories or"),
        ("--environment nothing_of_that_name:x -o x", "No module named"),
        ("--environment os:nothing -o x", "has no attribute 'nothing'"),
        ("templates -o templates/page.html", "is not a directory"),
    ],
)
def test_wrong_command_lines(site: Path, tmplmon: Command, words: str, message: str) -> None:
    result = tmplmon(f"compile {words}")
    assert result.status == 2 and message in result.err


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
@pytest.mark.parametrize("through_link", [False, True])
@pytest.mark.parametrize(
    ("mode", "group", "accepted"),
    [
        *((0o755, None, True), (0o700, None, True), (0o757, None, False), (0o1777, None, True)),
        # Only a group with the number of the user is private to the user.
        *((0o775, 0, True), (0o775, 1, False), (0o1775, 1, True)),
    ],
)
def test_permissions_of_directories_above_a_cache(
    tmp_path: Path, mode: int, group: int | None, accepted: bool, through_link: bool
) -> None:
    above = tmp_path / "above"
    (above / "inner").mkdir(parents=True)
    if group is not None:
        try:
            os.chown(above, -1, os.getuid() + group)
        except PermissionError:
            pytest.skip("only root can give files to other groups")
    above.chmod(mode)
    inner = above / "inner"
    if through_link:
        (tmp_path / "link").symlink_to("above/inner")
        inner = tmp_path / "link"
    if accepted:
        DiskCache(inner / "cache")
    else:
        with pytest.raises(RuntimeError, match=f"others may write to '{above}', and so can replace"):
            DiskCache(inner / "cache")
    above.chmod(0o700)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs owners of files")
@pytest.mark.parametrize(("mode", "accepted"), [(0o755, True), (0o500, True), (0o775, False), (0o757, False)])
def test_permissions_of_a_cache(tmp_path: Path, mode: int, accepted: bool) -> None:
    directory = tmp_path / "cache"
    directory.mkdir()
    (directory / "something").touch()
    directory.chmod(mode)
    if accepted:
        DiskCache(directory)
    else:
        with pytest.raises(RuntimeError, match="nobody else may write"):
            DiskCache(directory)
