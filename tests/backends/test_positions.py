"""The position of an error: the first and last line and column of the innermost expression that failed."""

import traceback
from typing import Any

import pytest

from tmplmon import Environment

# (source, (line, end line, column, end column)); columns from 0 in bytes, the end exclusive.
ERRORS = [
    ("{{ x.y.z }}", (1, 1, 3, 8)),
    ("é{{ f(1) + 2 }}", (1, 1, 5, 9)),
    ("{{ (1 +\n  x.y.z) }}", (2, 2, 2, 7)),
    ("{{ f(\n  1,\n  2) }}", (1, 3, 3, 4)),
    ("{{ f(\n\n\n      ) }}", (1, 4, 3, 7)),
    ("é\n{{ é.f(\n  'é'\n    )  }}", (2, 4, 3, 5)),
    ("{% if f() %}{% endif %}", (1, 1, 6, 9)),
    ("a\n  {% for i in\n    f() %}{% endfor %}", (3, 3, 4, 7)),
    ("{{ 1 if f() else 2 }}", (1, 1, 8, 11)),
    ("{% set a =\n  f() ~\n  'é' ~ 1 / 0 %}", (2, 2, 2, 5)),
    ("{% set a =\n  'é' ~ 1 /\n      0 %}", (2, 3, 9, 7)),
    ("{{ x\n  |keep(\n f()) }}", (3, 3, 1, 4)),
    ("{{ x\n  |fails(\n 1) }}", (1, 3, 3, 3)),
    ("{{ [1,\n 2][\n 'é' ~ x.y.z\n] }}", (3, 3, 8, 13)),
    ("{{ [\n1, f()\n] }}", (2, 2, 3, 6)),
    ("{{ {'a': 1,\n 'b': f(\n)} }}", (2, 3, 6, 1)),
    ("{{ 1 < f(\n) < 2 }}", (1, 2, 7, 1)),
    ("{{ -f() }}", (1, 1, 4, 7)),
    ("{% filter fails(\n1\n) %}x{% endfilter %}", (1, 3, 10, 1)),
    ("{% with a = 1,\n b = f() %}{% endwith %}", (2, 2, 5, 8)),
    ("{% macro m(a=\nf()) %}{% endmacro %}\n{{ m() }}", (2, 2, 0, 3)),
]


def fail(*args: Any) -> None:
    raise ValueError


class Failing:
    f = staticmethod(fail)


@pytest.mark.parametrize(("source", "place"), ERRORS, ids=[row[0] for row in ERRORS])
def test_position_of_an_error(source: str, place: tuple[int, int, int, int], backend: str) -> None:
    environment = Environment(backend=backend)
    environment.filters.update(keep=lambda value, other: value, fails=fail)
    with pytest.raises(Exception) as raised:
        environment.from_string(source).render(f=fail, x={}, é=Failing)
    frames = [f for f in traceback.extract_tb(raised.tb) if f.filename.startswith("<template")]
    frame = frames[-1]
    assert (frame.lineno, frame.end_lineno, frame.colno, frame.end_colno) == place
