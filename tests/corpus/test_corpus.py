"""Tests of the comparison, which finds and explains differences, and of the list of packages."""

import tarfile
import zipfile
from pathlib import Path
from typing import Any

import jinja2
import pytest
from cases.differences import DIFFERENCES

from . import compare as comparing
from .compare import Report, compare, prepared
from .packages import LIST, Kind, Package, extended, fetch, read_list, templates_of
from .stubs import Anything, finder, permissive
from .table import differences, summary, table

TEMPLATES = {
    "site/base.html": "<h1>{% block title %}{% endblock %}</h1>{{ user.name|shout }}",
    "site/page.html": "{% extends 'base.html' %}{% block title %}{% for i in a %}{{ i }}{% endfor %}{% endblock %}",
    "site/broken.html": "\n{% if %}",
    "site/tag.html": "{% snippet 'a' %}",
}


def without_times(report: Report) -> Report:
    report.seconds.clear()
    report.slow.clear()
    return report


def test_files_are_counted_by_their_results() -> None:
    report = without_times(compare("site", TEMPLATES, Kind()))
    expected = Report("site", files=4, accepted=2, refused=1, tags={"snippet": 1}, rendered=6)
    expected.seconds.clear()
    assert report == expected


def test_templates_with_rewritten_tags_are_compared() -> None:
    kind = Kind(replace=((r"\{% snippet (.*?) %\}", r"{% include \1 %}"),))
    assert compare("site", TEMPLATES, kind).accepted == 3


def test_differences_are_reported_with_line_and_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the back end "closures" is one that does not know an extension."""
    engines = comparing.ENGINES | {"closures": WithoutDo("tmplmon")}
    monkeypatch.setattr(comparing, "ENGINES", engines)
    kind = Kind(options={"extensions": ["do"]})
    (difference,) = compare("a", {"a.j2": "\n\n{% do f() %}"}, kind).differences
    assert difference.jinja2 == ("output", "")
    assert difference.ours == ("error", "TemplateSyntaxError at a.j2:3")
    assert (difference.step, difference.backend, difference.line) == ("compile", "closures", "{% do f() %}")
    assert difference.reason is None
    report = compare("a", {"a.j2": "\n\n{% do f() %}"}, kind, (("*.j2", "wording"),))
    assert report.differences[0].reason == "wording"
    assert DIFFERENCES["wording"].reason in differences(report)
    assert table([report]).splitlines()[-1].startswith("| all | 1 | 0 | 0 | 0 | 0 | 1 |")


def test_the_line_of_an_expression_inside_a_tag_is_explained() -> None:
    report = compare("a", {"a.j2": "\n{% for i in\n  a.b.c %}\n{% endfor %}"}, Kind())
    assert {difference.reason for difference in report.differences} == {comparing.LINE_OF_AN_EXPRESSION}
    report = compare("a", {"a.j2": "{{ a|no_such|\nneither }}"}, Kind())
    assert {difference.reason for difference in report.differences} == {comparing.FIRST_UNKNOWN_FILTER}
    tags = comparing.tags_of(jinja2.Environment(), "a\n{{ a\n}} {% if\n\na -%}\n\n{%- endif %}")
    assert list(tags) == [(2, 3), (3, 5), (7, 7)]


class WithoutDo(comparing.Engine):
    def environment(self, templates: dict[str, str], **options: Any) -> Any:
        return super().environment(templates, **{**options, "extensions": []})


def test_an_endless_template_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "CONTEXTS", ("empty",))
    endless = "{% for a in range(10**5) %}{% for b in range(10**5) %}{% endfor %}{% endfor %}"
    report = compare("a", {"a.j2": endless}, Kind(), limit=0.5)
    assert (report.stopped, report.rendered) == (1, 1)
    assert "time limit in Jinja2: 1" in summary([report])


def test_the_first_line_of_an_ansible_template_has_options() -> None:
    source = "#jinja2: trim_blocks: False, variable_start_string: '[%', lstrip_blocks:True\n"
    options = {"trim_blocks": False, "variable_start_string": "[%", "lstrip_blocks": True}
    assert prepared(source, Kind()) == (source, options)


def test_the_loader_finds_the_ending_of_a_path_and_else_an_empty_template() -> None:
    load = finder({"a/b/c.j2": "1", "z/c.j2": "2"}, "/root/")
    assert load("b/c.j2")[:2] == ("1", "/root/a/b/c.j2")
    assert load("./c.j2")[0] == "2"
    assert load("d.j2")[:2] == ("", "/root/d.j2")


def test_stand_ins_do_not_fail() -> None:
    value = Anything("a")
    assert str(value.b[1]().c) == "a.b[1]().c"
    assert [str(item) for item in value] == ["a[0]", "a[1]"]
    assert not hasattr(value, "__html__")
    while value:
        value = value.children
    assert list(value) == []
    for engine in comparing.ENGINES.values():
        nothing = permissive(engine.module.Undefined)()
        assert list(nothing.a[1](2) + 3) == []


def test_archives(tmp_path: Path) -> None:
    kind = extended(Kind(), {"files": ["*.j2"], "without": ["*/old/*"]})
    files = {"p/a.j2": b"1", "p/old/b.j2": b"2", "p/c.py": b"3", "p/latin.j2": b"\xe4"}
    (tmp_path / "folder/p/old").mkdir(parents=True)
    wheel, archive = tmp_path / "p.whl", tmp_path / "p.tar.gz"
    with zipfile.ZipFile(wheel, "w") as zipped, tarfile.open(archive, "w:gz") as tarred:
        for name, content in files.items():
            path = tmp_path / "folder" / name
            path.write_bytes(content)
            zipped.writestr(name, content)
            tarred.add(path, name)
    for place in (tmp_path / "folder", wheel, archive):
        assert templates_of(place, kind) == {"p/a.j2": "1"}


def test_an_archive_in_the_cache_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "p-1.0").mkdir()
    (tmp_path / "p-1.0/p.whl").touch()
    assert fetch(Package("p==1.0", Kind()), tmp_path) == tmp_path / "p-1.0/p.whl"


def test_lists(tmp_path: Path) -> None:
    own = tmp_path / "list.txt"
    own.write_text("# mine\na==1  # one\n\nb==2\n")
    assert [package.name for package in read_list(own).packages] == ["a==1", "b==2"]
    assert read_list(own).packages[0].kind.is_template("x/templates/y.html")
    own = tmp_path / "list.toml"
    own.write_text('[[package]]\nrelease = "a==1"\nkind = "dbt"\noptions = { trim_blocks = true }\n')
    (package,) = read_list(own).packages
    assert package.kind.files == ("*.sql",)
    assert package.kind.options == {"extensions": ["do"], "trim_blocks": True}
    own.write_text('[[package]]\nrelease = "a==1"\nfile = "*.sql"\n')
    with pytest.raises(ValueError, match="unknown keys in a list of packages: file"):
        read_list(own)


def test_the_list_of_packages() -> None:
    """Versions are pinned, and reasons are entries of the table of differences."""
    listing = read_list(LIST)
    assert len(listing.packages) > 50
    labels = [package.label for package in listing.packages]
    assert len(set(labels)) == len(labels)
    assert all(package.name.count("==") == 1 for package in listing.packages)
    assert {reason for _, reason in listing.reasons} <= DIFFERENCES.keys()
