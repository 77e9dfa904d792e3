"""What Jinja2's parser reads of the whole corpus becomes the same program as what tmplmon's own parser reads."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effort import every

from tests.cases import casefile
from tests.cases.engines import TMPLMON, evaluate
from tmplmon import pipeline
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir.check import check_program
from tmplmon.ir.ops import Program
from tmplmon.ir.show import show_program
from tmplmon.jinjaparser.parse import parse

CASES = sorted(Path(__file__).parents[1].joinpath("cases").glob("*/*.txt"))
# ``{% trans %}`` is expanded by Jinja2's extension, and becomes other ops with the same output.
AREAS = {path.parent.name for path in CASES} - {"i18n"}


def templates(area: str) -> Iterator[tuple[Any, str, str]]:
    for path in every(3, [path for path in CASES if path.parent.name == area]):
        case = casefile.read(path)
        if case.refusal("jinja"):
            continue
        environment = TMPLMON.environment(
            case.templates, **evaluate(case.sections.get("options", ""), TMPLMON)
        )
        for name, text in case.templates.items():
            yield environment, name, text


def programs(environment: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, Program] | None:
    try:
        own = pipeline.lower(environment, text, None, "<template>")
    except TemplateSyntaxError:
        with pytest.raises(TemplateSyntaxError):
            lowered_by_jinja2(environment, text, monkeypatch)
        return None
    return own, lowered_by_jinja2(environment, text, monkeypatch)


def lowered_by_jinja2(environment: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> Program:
    with monkeypatch.context() as patched:
        patched.setattr(type(environment), "foreign_tree", parse)
        return pipeline.lower(environment, text, None, "<template>")


def without_columns(shown: str) -> list[str]:
    """A shown program without columns: Jinja2's nodes do not tell brackets around an expression."""
    text = re.sub(r" (\d+):\d+(-(\d+:)?\d+)?(?=$| LINE| BRANCH)", r" \1", shown, flags=re.MULTILINE)
    # ``not a is b`` and ``a is not b`` are the same nodes.
    return [line for line in text.splitlines() if "op='not'" not in line and "Test " not in line]


@pytest.mark.parametrize("area", sorted(AREAS))
def test_same_programs(area: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for environment, name, text in templates(area):
        both = programs(environment, text, monkeypatch)
        if both is None:
            continue
        own, jinja2 = both
        check_program(jinja2)
        if "not " not in text:
            assert without_columns(show_program(jinja2)) == without_columns(show_program(own)), (name, text)
