"""A plugin for pytest: ``pytest --jinja2 observe`` runs the tests while the templates of Jinja2 are observed.

``--jinja2 as_jinja2`` runs them on tmplmon instead. The option ``tmplmon_jinja2`` of the configuration does the
same for every run. The workers of pytest-xdist and the processes that tests start are included.
"""

import pytest

from tmplmon import starting

OPTION = "tmplmon_jinja2"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Called by pytest: add the option."""
    ways = tuple(starting.WAYS)
    text = "observe: make the templates of Jinja2 visible to tools; as_jinja2: run them on tmplmon"
    parser.getgroup("tmplmon").addoption("--jinja2", choices=ways, dest=OPTION, help=text)
    parser.addini(OPTION, "the default of --jinja2")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Called by pytest before it imports the project's files. Raises pytest.UsageError for a wrong option."""
    way = getattr(early_config.known_args_namespace, OPTION, None) or early_config.getini(OPTION)
    if way:
        try:
            starting.install(str(way))
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
