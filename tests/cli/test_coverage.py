"""``tmplmon coverage``: the rendered templates, the counted lines, the output and the exit status."""

from pathlib import Path

import coverage
import pytest

from .conftest import Command, write

PAGE = "{% if user %}\n  hello {{ user }}\n{% else %}\n  who?\n{% endif %}\n{% include 'part.html' %}\n"


@pytest.fixture(autouse=True)
def default_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_CORE", raising=False)
    if coverage.Coverage.current() is not None:
        pytest.skip("these tests are being measured themselves")


@pytest.fixture
def site(here: Path) -> Path:
    write(here, site__page_html=PAGE, site__part_html="{{ 1 }}\n", site___unused_html="a\n", site__a_css="{{")
    return here / "site"


def rows(out: str) -> dict[str, str]:
    """Name → the rest of its row."""
    found = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith(("site/", "TOTAL"))]
    return {name: " ".join(rest.split()) for name, rest in found}


def test_a_directory(tmplmon: Command, site: Path) -> None:
    result = tmplmon("coverage site")
    assert (result.status, result.err) == (0, "")
    assert rows(result.out) == {
        "site/_unused.html": "1 1 0 0 0% 1",
        "site/page.html": "4 1 2 1 67% 2",
        "site/part.html": "1 0 0 0 100%",
        "TOTAL": "6 2 2 1 62%",
    }


def test_a_file_and_what_it_includes(tmplmon: Command, site: Path) -> None:
    result = tmplmon("coverage site/page.html --data user=ann")
    assert rows(result.out) == {
        "site/page.html": "4 1 2 1 67% 4",
        "site/part.html": "1 0 0 0 100%",
        "TOTAL": "5 1 2 1 71%",
    }


def test_cases(tmplmon: Command, site: Path) -> None:
    result = tmplmon("coverage site/page.html --case user=ann --case user= --fail-under 100")
    assert result.status == 0
    assert rows(result.out)["site/page.html"] == "4 0 2 0 100%"


def test_lines_only_and_exclusions(tmplmon: Command, site: Path) -> None:
    result = tmplmon("coverage site/page.html --no-branch --skip-covered")
    assert rows(result.out) == {"site/page.html": "4 1 75% 2", "TOTAL": "5 1 80%"}


def test_coverage_below_the_required_percentage(tmplmon: Command, site: Path) -> None:
    result = tmplmon("coverage site --fail-under 90")
    assert (result.status, result.err) == (1, "62 % is covered, less than 90 %\n")


def test_the_html_report(tmplmon: Command, site: Path) -> None:
    for _ in range(2):  # the second time, the report exists already
        result = tmplmon("coverage site --html site/report")
        assert "HTML report: site/report/index.html" in result.out
        assert len(rows(result.out)) == 4
    assert "_unused.html" in (site / "report" / "index.html").read_text()


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_options_of_the_engine(tmplmon: Command, here: Path, backend: str) -> None:
    write(here, site__page_html="{% for x in [1] %}\n{% break %}\n{% endfor %}\n")
    result = tmplmon(f"coverage site/page.html --extension loopcontrols --no-branch --backend {backend}")
    assert rows(result.out)["site/page.html"] == "2 0 100%"


def test_a_template_that_fails(tmplmon: Command, here: Path) -> None:
    write(here, site__page_html="{{ 1 }}\n{{ a.b }}\n{{ 3 }}\n", site__good_html="{{ 1 }}\n")
    result = tmplmon("coverage site --case x=1 --case x=2")
    assert result.status == 1
    assert result.err.count("'a' is undefined") == 1
    assert rows(result.out)["site/page.html"] == "3 1 0 0 67% 3"
    assert rows(result.out)["site/good.html"] == "1 0 0 0 100%"


def test_a_template_with_a_mistake(tmplmon: Command, here: Path) -> None:
    write(here, site__page_html="{% if %}\n", site__good_html="{{ 1 }}\n")
    with pytest.warns(coverage.exceptions.CoverageWarning, match="Couldn't parse"):
        result = tmplmon("coverage site")
    assert result.status == 1
    assert "expected an expression" in result.err
    assert rows(result.out) == {"site/good.html": "1 0 0 0 100%", "TOTAL": "1 0 0 0 100%"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("coverage nowhere", "tmplmon coverage: there is no nowhere\n"),
        ("coverage empty", "tmplmon coverage: there are no templates to render in empty\n"),
    ],
)
def test_wrong_command_lines(tmplmon: Command, here: Path, words: str, message: str) -> None:
    (here / "empty").mkdir()
    assert (tmplmon(words).status, tmplmon(words).err) == (2, message)
