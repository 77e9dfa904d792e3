"""What `warnings` and `logging` name as the caller of a function that a template calls."""

import logging
import traceback
import warnings
from typing import Any

import pytest

from tmplmon import DictLoader, Environment, pass_context
from tmplmon.sandbox import SandboxedEnvironment

TEMPLATES = {
    "page": "\n{{ warn() }}\n{{ box.warn(1) }}\n{{ box() }}\n{{ warn(*[1], a=1) }}\n{{ 1|warn }}\n"
    "{% if 1 is warns %}{% endif %}\n{% call warn() %}{% endcall %}\n"
    "{% macro m() %}\n{{ warn() }}{% endmacro %}{{ m() }}\n{{ seeing() }}"
}
LINES = [2, 3, 4, 5, 6, 7, 8, 10, 11]


def warn(*_arguments: Any, **_keywords: Any) -> str:
    warnings.warn("here", stacklevel=2)
    logging.getLogger("stacklevel").warning("here", stacklevel=2)
    return ""


class Box:
    def warn(self, _argument: int) -> str:
        return warn_of_caller()

    def __call__(self) -> str:
        return warn_of_caller()


def warn_of_caller() -> str:
    warnings.warn("here", stacklevel=3)
    logging.getLogger("stacklevel").warning("here", stacklevel=3)
    return ""


@pass_context
def seeing(context: Any) -> str:
    return warn_of_caller()


@pytest.mark.parametrize(
    ("kind", "backend"),
    [(Environment, "bytecode"), (Environment, "closures"), (SandboxedEnvironment, "closures")],
)
def test_the_line_of_the_template(
    kind: type[Environment], backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    environment = kind(loader=DictLoader(TEMPLATES), backend=backend)
    environment.filters["warn"] = environment.tests["warns"] = warn
    template = environment.get_template("page")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        template.render(warn=warn, box=Box(), seeing=seeing)
    assert {warning.filename for warning in caught} == {template._file}
    assert [warning.lineno for warning in caught] == LINES
    assert [record.lineno for record in caplog.records] == LINES
    assert {record.pathname for record in caplog.records} == {template._file}


@pytest.mark.parametrize("backend", ("bytecode", "closures"))
def test_the_engine_is_still_left_out_of_tracebacks(backend: str) -> None:
    template = Environment(backend=backend).from_string("{{ fail() }}")

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError) as caught:
        template.render(fail=fail)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["render", "<template>", "fail"]
