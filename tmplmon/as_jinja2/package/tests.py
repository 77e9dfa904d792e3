"""The tests, which are tmplmon's; other names are those of the installed Jinja2."""

from typing import Any

from tmplmon.as_jinja2.finding import original
from tmplmon.runtime import tests
from tmplmon.runtime.tests import TESTS

__all__ = ["TESTS"]


def __getattr__(name: str) -> Any:
    if name.startswith("test_") and hasattr(tests, name):
        return getattr(tests, name)
    return getattr(original("tests"), name)
