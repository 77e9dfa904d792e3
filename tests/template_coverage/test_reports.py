"""Reports: exclusions, descriptions of branches, colours, and files that cannot be reported."""

import json
import zipfile
from pathlib import Path

import coverage
import pytest

from tmplmon import DictLoader, Environment, FileSystemLoader, FunctionLoader, PackageLoader

from .conftest import Measure, counting, table

COMMENT = "{# pragma: no cover #}"


def analysed(counter: coverage.Coverage, name: str = "page.html") -> tuple[list[int], list[int], list[int]]:
    """(lines, excluded, missing)"""
    _, lines, excluded, missing, _ = counter.analysis2(str(Path.cwd() / name))
    return lines, excluded, missing


# --- exclusion ---------------------------------------------------------------------------------------------


def test_a_line_is_excluded(measure: Measure) -> None:
    counter = measure("{{ 1 }}", "{{ 2 }}" + COMMENT, "{{ 3 }}")
    assert analysed(counter) == ([1, 3], [2], [])


def test_a_tag_is_excluded_with_its_block(measure: Measure) -> None:
    counter = measure(
        "{% for x in [] %}" + COMMENT, "{% if x %}", "{{ x }}", "{% endif %}", "{% endfor %}", "{{ 6 }}"
    )
    assert analysed(counter) == ([6], [1, 2, 3], [])
    assert counter.branch_stats(str(Path.cwd() / "page.html")) == {}


def test_a_macro_is_excluded(measure: Measure) -> None:
    counter = measure("{% macro m() %}" + COMMENT, "{{ 2 }}", "{% endmacro %}", "{{ 4 }}")
    assert analysed(counter) == ([4], [1, 2], [])


def test_an_if_is_excluded_up_to_its_else(measure: Measure) -> None:
    counter = measure("{% if no %}" + COMMENT, "2", "{% else %}", "4", "{% endif %}", "6")
    assert analysed(counter) == ([4, 6], [1, 2], [])


def test_an_else_is_excluded_and_its_branch(measure: Measure) -> None:
    counter = measure("{% if not no %}", "2", "{% else %}" + COMMENT, "4", "{% endif %}", "6")
    assert analysed(counter) == ([1, 2, 6], [4], [])
    assert counter.branch_stats(str(Path.cwd() / "page.html")) == {}


def test_an_elif_is_excluded(measure: Measure) -> None:
    counter = measure("{% if not no %}", "2", "{% elif a %}" + COMMENT, "4", "{% else %}", "6", "{% endif %}")
    assert analysed(counter) == ([1, 2, 6], [3, 4], [6])


def test_the_else_of_a_loop_is_excluded(measure: Measure) -> None:
    counter = measure("{% for x in [1] %}", "2", "{% else %}" + COMMENT, "4", "{% endfor %}")
    assert analysed(counter) == ([1, 2], [4], [])


def test_a_comment_on_any_line_excludes_a_statement(measure: Measure) -> None:
    counter = measure("{{ [1,", "2] }}" + COMMENT, "{{ 3 }}")
    assert analysed(counter) == ([3], [1], [])


def test_a_branch_is_excluded(measure: Measure) -> None:
    counter = measure("{% if not no %}{# pragma: no branch #}", "2", "{% endif %}", "4")
    assert table(counter)["page.html"] == "3 0 2 0 100%"


def test_a_pattern_of_the_configuration_excludes(measure: Measure) -> None:
    counter = measure("{% if debug %}", "2", "{% endif %}", "4", report__exclude_lines=["if debug"])
    assert analysed(counter) == ([4], [1, 2], [])


def test_a_pattern_of_several_lines_excludes(measure: Measure) -> None:
    counter = measure("1", "{# off #}", "{{ a }}", "{# on #}", report__exclude_lines=["off(.|\n)*on"])
    assert analysed(counter) == ([1], [3], [])


@pytest.mark.parametrize("comment", ["<!-- pragma: no cover -->", "<!--\n pragma: no cover -->"])
def test_comments_with_other_delimiters(folder: Path, measure: Measure, comment: str) -> None:
    environment = Environment(
        loader=FileSystemLoader("."), comment_start_string="<!--", comment_end_string="-->"
    )
    counter = measure(
        "{{ 1 }}",
        "{{ 2 }}" + comment,
        environment=environment,
        tmplmon__comment_start_string="<!--",
        tmplmon__comment_end_string="-->",
    )
    assert analysed(counter)[:2] == ([1], [2])


# --- words and colours -------------------------------------------------------------------------------------


def test_missing_branches_are_described(measure: Measure, folder: Path) -> None:
    counter = measure(
        "{% block b %}",
        "{% if not no %}",
        "3",
        "{% endif %}",
        "{% endblock %}",
        "{% if no %}",
        "7",
        "{% endif %}",
    )
    counter.html_report(directory="html")
    page = next(path for path in (folder / "html").glob("*page_html.html")).read_text()
    assert (
        "line 2 didn&#39;t exit block &#39;b&#39; because the condition on line 2 was never false" in page
        or "line 2 didn't exit block 'b' because the condition on line 2 was never false" in page
    )
    assert "line 6 didn't jump to line 7 because the condition on line 6 was never true" in page.replace(
        "&#39;", "'"
    )


def test_sources_are_coloured(measure: Measure, folder: Path) -> None:
    lines = (
        '{% for x in "a" | upper -%}',
        "  {#- note",
        "   more -#}",
        "  {{ x ~ 1.5 }} é {% raw %}{{ raw }}{% endraw %}",
        "{%- endfor %}",
        "",
        " end ",
    )
    counter = measure(*lines, context={"raw": 1})
    counter.get_data()
    report = counter._get_file_reporter(str(folder / "page.html"))
    coloured = list(report.source_token_lines())
    assert tuple("".join(text for _, text in line) for line in coloured) == lines
    kinds = {(text, kind) for line in coloured for kind, text in line}
    expected_tokens = {
        ("for", "key"),
        ("in", "key"),
        ("x", "nam"),
        ('"a"', "str"),
        ("|", "op"),
        ("upper", "nam"),
    }
    expected_tokens |= {
        ("1.5", "num"),
        (" note", "com"),
        ("{{ raw }}", "txt"),
        ("{%", "op"),
        (" end ", "txt"),
    }
    assert expected_tokens <= kinds


def test_other_line_ends_do_not_change_line_numbers(measure: Measure, folder: Path) -> None:
    counter = measure("a\x0cb\u2028c", "{% if not no %}", "3", "{% endif %}")
    counter.get_data()
    report = counter._get_file_reporter(str(folder / "page.html"))
    assert len(report.source().splitlines()) == len(list(report.source_token_lines())) == 4
    assert table(counter)["page.html"] == "3 0 2 1 80% 2->exit"


def test_all_kinds_of_reports(measure: Measure, folder: Path) -> None:
    counter = measure("{% if not no %}", "  {{ 2 }}", "{% endif %}", "{% macro m() %}", "5", "{% endmacro %}")
    counter.html_report(directory="html")
    counter.xml_report(outfile="out.xml")
    counter.json_report(outfile="out.json")
    counter.lcov_report(outfile="out.lcov")
    counter.annotate(directory="annotated")
    assert 'filename="page.html"' in (folder / "out.xml").read_text()
    found = json.loads((folder / "out.json").read_text())["files"]["page.html"]
    assert (found["executed_lines"], found["missing_lines"]) == ([1, 2, 4], [5])
    assert (found["executed_branches"], found["missing_branches"]) == ([[1, 2]], [[1, 4]])
    assert "SF:page.html" in (folder / "out.lcov").read_text()
    assert "> {% if not no %}\n" in next((folder / "annotated").iterdir()).read_text()
    assert (folder / "html" / "macro_index.html").exists()


# --- what cannot be reported -------------------------------------------------------------------------------


def test_a_template_that_cannot_be_parsed_is_left_out(measure: Measure, folder: Path) -> None:
    (folder / "broken.html").write_text("{{ 1 }}\n{% if %}")
    counter = measure("{{ 1 }}")
    with pytest.warns(coverage.exceptions.CoverageWarning) as caught:
        assert table(counter) == {"page.html": "1 0 0 0 100%"}
    [warning] = caught
    assert "Couldn't parse the template 'broken.html': unexpected '%}'" in str(warning.message)
    assert (warning.filename, warning.lineno) == (str(folder / "broken.html"), 2)


def test_a_deleted_template_is_left_out(measure: Measure, folder: Path) -> None:
    (folder / "other.html").write_text("{{ 1 }}")
    counter = measure("{% include 'other.html' %}")
    (folder / "other.html").unlink()
    with pytest.warns(coverage.exceptions.CoverageWarning, match=r"There is no template 'other\.html'"):
        assert list(table(counter)) == ["page.html"]


def test_a_template_of_another_encoding_is_left_out(measure: Measure, folder: Path) -> None:
    environment = Environment(loader=FileSystemLoader(".", encoding="latin-1"))
    (folder / "latin.html").write_bytes(b"\xe4")
    counter = measure("{% include 'latin.html' %}", environment=environment)
    with pytest.warns(
        coverage.exceptions.CoverageWarning, match=r"Couldn't read .* Set \[tmplmon\] encoding"
    ):
        assert list(table(counter)) == ["page.html"]
    counter = measure(environment=environment, tmplmon__encoding="latin-1")
    assert table(counter)["latin.html"] == "1 0 0 0 100%"


@pytest.mark.filterwarnings("error")
def test_templates_without_files_are_not_reported(measure: Measure, folder: Path) -> None:
    Environment().from_string("{{ 1 }}").render()
    environment = Environment(loader=DictLoader({"a.html": "{{ 1 }}"}))
    environment.globals["more"] = environment.get_template("a.html").render
    counter = measure("{{ 1 }}")
    with counter.collect():
        environment.get_template("a.html").render()
        environment.from_string("{{ 1 }}").render()
    assert list(table(counter)) == ["page.html"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("branch", [False, True])
def test_zipped_packages_are_not_reported(
    measure: Measure, folder: Path, monkeypatch: pytest.MonkeyPatch, branch: bool
) -> None:
    name = f"zipped{branch}".lower()
    with zipfile.ZipFile(folder / "package.zip", "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{name}/templates/a.html", "{{ 1 }}")
    monkeypatch.syspath_prepend(str(folder / "package.zip"))
    environment = Environment(loader=PackageLoader(name))
    (folder / "page.html").write_text("{{ 1 }}")
    counter = counting(folder, branch=branch)
    with counter.collect():
        environment.get_template("a.html").render()
        Environment(loader=FileSystemLoader(".")).get_template("page.html").render()
    assert list(table(counter)) == ["page.html"]
    counter.html_report(directory="html")


def test_a_loader_with_invented_file_names(measure: Measure, folder: Path) -> None:
    def load(name: str) -> tuple[str, str, None]:
        return "{{ 1 }}", str(folder / "made" / name), None

    environment = Environment(loader=FunctionLoader(load))
    (folder / "real.html").write_text("1")
    counter = measure(environment=environment)
    with counter.collect():
        Environment(loader=FileSystemLoader(".")).get_template("real.html").render()
    with pytest.warns(coverage.exceptions.CoverageWarning, match="There is no template"):
        assert list(table(counter)) == ["real.html"]


def test_a_template_without_lines(measure: Measure, folder: Path) -> None:
    (folder / "other.html").write_text("{{ 1 }}")
    counter = measure("{# nothing #}", "", branch=False)
    with counter.collect():
        Environment(loader=FileSystemLoader(".")).get_template("other.html").render()
    assert table(counter) == {"other.html": "1 0 100%", "page.html": "0 0 100%"}
