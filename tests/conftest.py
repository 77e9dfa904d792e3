"""Switches shared by all suites, and what the report of a failure shows of a case."""

import gc
import os
import shutil
import tempfile
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
    # These options are for this run, not for the runs of pytest that tests start.
    os.environ.pop("PYTEST_ADDOPTS", None)
    share_compiled_modules(config)


def share_compiled_modules(config: pytest.Config) -> None:
    """If Python may not write .pyc files, let the processes that tests start keep them in a temporary folder. Each
    would compile the whole engine otherwise, which takes longer than most of these tests."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None) and "PYTHONPYCACHEPREFIX" not in os.environ:
        folder = os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp(prefix="tmplmon-pyc-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not effort.runs_everything():
        left_out = [item for item in items if item.get_closest_marker("exhaustive")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if not item.get_closest_marker("exhaustive")]


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection, as they live until the end. Make automatic collections
    rare: with the default thresholds they take a seventh of the processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


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


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Exclude what is still alive at the end of a file from garbage collection, which gets slow otherwise."""
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()
