"""Switches shared by all suites, and what the report of a failure shows of a case."""

from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update",
        action="store_true",
        help="rewrite the expected parts of tests/cases/**/*.txt (read the diff before you commit it)",
    )


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
