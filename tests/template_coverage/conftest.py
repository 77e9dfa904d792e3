"""Fixtures and functions that measure a folder of templates in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import coverage
import pytest

from tmplmon import Environment, FileSystemLoader

type Measure = Callable[..., coverage.Coverage]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the current folder. coverage.py uses its default core."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COVERAGE_CORE", raising=False)
    if coverage.Coverage.current() is not None:
        pytest.skip("these tests are being measured themselves")
    return tmp_path.resolve()


@pytest.fixture
def measure(folder: Path) -> Measure:
    """Write `page.html` with these lines, render it, and return the measurement. Options with a double underscore
    are those of coverage.py: `run__omit` is ``run:omit``."""

    def measure(*lines: str, context: Any = (), environment: Any = None, **options: Any) -> coverage.Coverage:
        if lines:
            (folder / "page.html").write_text("\n".join(lines))
        counter = counting(folder, **options)
        environment = environment or Environment(loader=FileSystemLoader(str(folder)))
        with counter.collect():
            environment.get_template("page.html").render(context)
        return counter

    return measure


def counting(folder: Path, *, branch: bool = True, **options: Any) -> coverage.Coverage:
    """A measurement of the files in a folder, with the plugin."""
    counter = coverage.Coverage(data_file=None, config_file=False, branch=branch, source=[str(folder)])
    counter.set_option("run:plugins", ["tmplmon"])
    for name, value in options.items():
        counter.set_option(name.replace("__", ":", 1), value)
    return counter


def table(counter: coverage.Coverage) -> dict[str, str]:
    """File of the text report → the rest of its row, without repeated blanks."""
    import io

    written = io.StringIO()
    counter.report(file=written, show_missing=True)
    rows = [line.split(maxsplit=1) for line in written.getvalue().splitlines() if "%" in line]
    return {name: " ".join(rest.split()) for name, rest in rows if name != "TOTAL"}
