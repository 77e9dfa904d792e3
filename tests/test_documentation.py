"""The documentation agrees with the code: tables say the same, examples run, links lead somewhere."""

import re
from pathlib import Path

import pytest
from cases.differences import DIFFERENCES

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def test_every_difference_from_jinja2_is_listed_and_no_other() -> None:
    text = (ROOT / "docs/compatibility.md").read_text("utf-8")
    section = text.partition("## Templates\n")[2].partition("\nLimits:")[0]
    listed = {" ".join(entry.split()) for entry in re.findall(r"(?ms)^- (.*?)(?=^- |\Z)", section)}
    assert listed == {difference.reason for difference in DIFFERENCES.values()}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"]({name})" in index, name


def test_the_extension_that_is_shown_works(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs/extensions.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, "docs/extensions.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == "A! A!\n"
