"""Switches shared by all suites."""

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
