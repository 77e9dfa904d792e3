"""``tmplmon render DIRECTORY -o OUT``."""

import os
import re
import sys
from pathlib import Path

import pytest

from .conftest import Command, put


@pytest.fixture
def site(here: Path) -> Path:
    put(here / "site/index.html", "{% extends '_base.html' %}{% block b %}{{ title }}{% endblock %}")
    put(here / "site/_base.html", "<p>{% block b %}{% endblock %}</p>")
    put(here / "site/_parts/x.html", "part")
    put(here / "site/_parts/logo.svg", "<svg/>")
    put(here / "site/deep/er/page.html.j2", "{% include '_parts/x.html' %}")
    put(here / "site/robots.txt", "all")
    put(here / "site/style.css", b"a { b: '{{ c }}' }\r\n\xff")
    put(here / "site/.hidden/x.html", "{{")
    put(here / "site/.env", "secret")
    return here / "site"


def written(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_a_tree(site: Path, here: Path, tmplmon: Command) -> None:
    result = tmplmon("render site --data title=<Hi> -o out")
    assert written(here / "out") == {
        "deep/er/page.html": b"part",
        "index.html": b"<p>&lt;Hi&gt;</p>",
        "robots.txt": b"all",
        "style.css": b"a { b: '{{ c }}' }\r\n\xff",
    }
    assert (result.status, result.err) == (0, "")
    assert re.fullmatch(r"out: 4 files written \(3 rendered, 1 copied\) in \d+\.\d\d s\n", result.out)


def test_quiet(site: Path, tmplmon: Command) -> None:
    assert tmplmon("render site -o out -q").out == ""


def test_again_into_the_same_directory(site: Path, here: Path, tmplmon: Command) -> None:
    """The output may be inside the tree. It does not count as a source."""
    for _ in range(2):
        assert tmplmon("render site -o site/out").status == 0
    assert sorted(written(here / "site/out")) == [
        "deep/er/page.html",
        "index.html",
        "robots.txt",
        "style.css",
    ]


def test_data_files_are_not_copied(site: Path, here: Path, tmplmon: Command) -> None:
    put(site / "site.json", '{"title": "x"}')
    put(site / "other.json", "{}")
    assert tmplmon("render site --data site/site.json -o out").status == 0
    assert "site.json" not in written(here / "out")
    assert "other.json" in written(here / "out")


def test_all_errors_are_reported(site: Path, here: Path, tmplmon: Command) -> None:
    put(site / "bad.html", "{{ 1 +")
    put(site / "worse.html", "\n{{ 1 / 0 }}")
    result = tmplmon("render site -o out")
    assert result.status == 1
    assert "  --> site/bad.html:1:" in result.err
    assert "  --> site/worse.html:2:4" in result.err
    assert "Traceback" not in result.err
    assert sorted(written(here / "out")) == ["deep/er/page.html", "index.html", "robots.txt", "style.css"]
    assert result.out.startswith("out: 4 files written (2 failed) in ")


def test_names(here: Path, tmplmon: Command) -> None:
    """The suffix of a file determines whether it is a template."""
    for name in ("a.XML", "b.txt.jinja", "c.md", "d.css.j2", "e.jinja2", "nested/.j2", "f_.html"):
        put(here / "site" / name, "{{ 1 + 1 }}")
    assert tmplmon("render site -o out").status == 0
    assert written(here / "out") == {
        "a.XML": b"2",
        "b.txt": b"2",
        "c.md": b"{{ 1 + 1 }}",
        "d.css": b"2",
        "e": b"2",
        "f_.html": b"2",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("render site", "use -o to name the output directory"),
        ("render site -o site", "must not be the directory of the templates"),
        ("render site -o ./site/../site/", "must not be the directory of the templates"),
        ("render site -o file", "file is not a directory"),
    ],
)
def test_usage_errors(site: Path, here: Path, tmplmon: Command, words: str, message: str) -> None:
    put(here / "file", "")
    result = tmplmon(words)
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_two_files_with_the_same_output(site: Path, here: Path, tmplmon: Command) -> None:
    put(site / "index.html.j2", "x")
    result = tmplmon("render site -o out")
    assert result.status == 2
    assert "index.html and index.html.j2 would both be written to out/index.html" in result.err
    assert not (here / "out").exists()


def test_a_source_is_not_overwritten(here: Path, tmplmon: Command) -> None:
    """With the output in the directory above, site/site/x.html would be written to site/x.html."""
    put(here / "site/x.html", "x")
    put(here / "site/site/x.html", "y")
    result = tmplmon("render site -o .")
    assert result.status == 2
    assert "would overwrite" in result.err
    assert (here / "site/x.html").read_text() == "x"


def test_the_output_does_not_leave_its_directory(site: Path, here: Path, tmplmon: Command) -> None:
    (here / "elsewhere").mkdir()
    (here / "out").mkdir()
    (here / "out/deep").symlink_to(here / "elsewhere")
    result = tmplmon("render site -o out")
    assert result.status == 1
    assert "would be written outside of out" in result.err
    assert written(here / "elsewhere") == {}
    assert (here / "out/index.html").exists()


def test_a_link_in_the_output_is_replaced_not_followed(site: Path, here: Path, tmplmon: Command) -> None:
    put(here / "precious", "keep me")
    (here / "out").mkdir()
    (here / "out/index.html").symlink_to(here / "precious")
    assert tmplmon("render site -o out").status == 0
    assert (here / "precious").read_text() == "keep me"
    assert not (here / "out/index.html").is_symlink()


def test_links_in_the_tree(site: Path, here: Path, tmplmon: Command) -> None:
    """A link to a file counts as the file. A link to a directory is not followed, with a message."""
    put(here / "shared.css", "shared")
    (site / "link.css").symlink_to(here / "shared.css")
    (site / "circle").symlink_to(site)
    (site / "nothing.css").symlink_to(here / "nowhere")
    result = tmplmon("render site -o out")
    assert result.status == 0
    assert result.err == "warning: circle is a link to a directory and was left out\n"
    assert written(here / "out")["link.css"] == b"shared"
    assert "nothing.css" not in written(here / "out")


def test_permissions_are_copied(site: Path, here: Path, tmplmon: Command) -> None:
    put(site / "run.sh", "#!/bin/sh\n")
    (site / "run.sh").chmod(0o755)
    tmplmon("render site -o out")
    assert os.access(here / "out/run.sh", os.X_OK)


def test_an_empty_directory(here: Path, tmplmon: Command) -> None:
    (here / "site").mkdir()
    result = tmplmon("render site -o out")
    assert result.status == 0
    assert result.out.startswith("out: 0 files written (0 rendered, 0 copied)")


def test_progress_on_a_terminal_only(
    site: Path, here: Path, tmplmon: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tmplmon("render site -o out").err == ""
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True, raising=False)
    shown = tmplmon("render site -o out").err
    assert "\r\x1b[K[........................] 0/4 " in shown
    assert shown.endswith("\r\x1b[K")
    assert "\n" not in shown
