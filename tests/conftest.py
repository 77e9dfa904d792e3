"""Switches shared by all suites, and what the report of a failure shows of a case."""

import gc
import os
from pathlib import Path
from typing import Any

import effort
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="rewrite the expected parts of tests/cases/**/*.txt (read the diff before you commit it)",
    )
    parser.addoption("--all", action="store_true", help="also what a plain run leaves out (tests/effort.py)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "exhaustive: runs with --all only")
    if config.getoption("--all"):
        os.environ[effort.VARIABLE] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not effort.runs_everything():
        left_out = [item for item in items if item.get_closest_marker("exhaustive")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker("exhaustive")]


def pytest_collection_finish() -> None:
    """What has been collected lives until the end: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def update(request: pytest.FixtureRequest) -> bool:
    """Whether this run rewrites expectations instead of checking them."""
    return bool(request.config.getoption("--update"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A test of a case file that fails shows the case's templates with their events beside them."""
    report = yield
    callspec = getattr(item, "callspec", None)
    path = callspec.params.get("path") if callspec is not None else None
    if report.failed and call.when == "call" and isinstance(path, Path) and path.suffix == ".txt":
        from cases import casefile
        from cases.listing import listing

        try:
            report.sections.append(("template, with its LINE events", listing(casefile.read(path))))
        except Exception as error:
            report.sections.append(("template", f"{path.read_text('utf-8')}\n({error!r})"))
    return report
