"""The documentation agrees with the code: its tables are complete, examples run, and links have targets."""

import os
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest
from cases.differences import DIFFERENCES

import tmplmon
import tmplmon.monitoring
import tmplmon.sandbox

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

# Links in README.md are absolute, so that they work on PyPI; those to files of the repository begin like this.
REPOSITORY = re.compile(
    r"https://(?:github\.com/tmplmon/tmplmon/(?:blob|tree)|raw\.githubusercontent\.com/tmplmon/tmplmon)/main/"
)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def test_the_list_of_differences_from_jinja2_is_complete() -> None:
    text = (ROOT / "docs/compatibility.md").read_text("utf-8")
    section = text.partition("## Templates\n")[2].partition("\nLimits:")[0]
    listed = {" ".join(entry.split()) for entry in re.findall(r"(?ms)^- (.*?)(?=^- |\Z)", section)}
    assert listed == {difference.reason for difference in DIFFERENCES.values()}


@each_page
def test_links_have_targets(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if REPOSITORY.match(target):
            assert (ROOT / REPOSITORY.sub("", target)).exists(), f"{page.name}: {target}"
        elif not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            assert page.name != "README.md", f"PyPI cannot follow {target}"


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"]({name})" in index, name


def test_the_reference_has_every_public_name() -> None:
    """The public types and functions. The text describes sets and numbers."""
    for module, page in (
        (tmplmon, "tmplmon"),
        (tmplmon.sandbox, "sandbox"),
        (tmplmon.monitoring, "monitoring"),
    ):
        text = (ROOT / f"docs/reference/{page}.md").read_text("utf-8")
        for name in module.__all__:
            if callable(getattr(module, name)):
                assert re.search(rf"\b{name}\b", text), f"{module.__name__}.{name}"


def test_the_extensions_that_are_shown_work(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs/extensions.md").read_text("utf-8")
    for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(example, "docs/extensions.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out == "A! A!\naaa\n"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def test_the_commands_of_the_readme_print_what_it_shows(tmp_path: Path) -> None:
    """Runs the program and two commands of README.md on the template shown there, and compares the output."""
    readme = ROOT / "README.md"
    (template,) = blocks(readme, "jinja")
    (program,) = blocks(readme, "python")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/page.html").write_text(template, "utf-8")
    (tmp_path / "templates/list.html").write_text(
        "<ol>\n  {% for user in users %}\n  <li>{{ usr.name|uper }}</li>\n  {% endfor %}\n</ol>\n", "utf-8"
    )
    (tmp_path / "shop.py").write_text(program, "utf-8")
    shown = {}
    for block in blocks(readme, "console"):
        for part in re.split(r"(?m)^\$ ", block)[1:]:
            command, _, output = part.partition("\n")
            shown[command.partition("  ")[0]] = output.strip()
    commands = (
        "python shop.py",
        "tmplmon check templates --names users",
        "tmplmon show lines templates/page.html",
    )
    engine = Path(tmplmon.__file__).parent
    environment = {**os.environ, "PYTHONPATH": str(engine.parent)}
    for command in commands:
        words = command.replace("tmplmon ", "python -m tmplmon ").split()
        process = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=tmp_path,
            env=environment,
            stdout=PIPE,
            stderr=STDOUT,
            text=True,
            timeout=60,
        )
        printed = process.stdout.replace(str(tmp_path), "/srv/shop")
        printed = printed.replace(str(engine), "/srv/site-packages/tmplmon")
        printed = re.sub(r'(tmplmon/template.py", line )\d+', r"\g<1>N", printed.replace("\\", "/")).strip()
        expected = re.sub(r'(tmplmon/template.py", line )\d+', r"\g<1>N", shown[command])
        # The summary goes to standard error, which has no fixed place among the other lines.
        assert sorted(printed.splitlines()) == sorted(expected.splitlines()), command
