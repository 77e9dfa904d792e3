"""A fixture that observes Jinja2 during a test."""

from collections.abc import Iterator

import pytest

from tmplmon import observe


@pytest.fixture
def observed() -> Iterator[None]:
    assert not observe.is_installed()
    observe.install()
    yield
    observe.uninstall()
