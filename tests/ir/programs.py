"""Lowers templates without an environment: all optional tags are on, and all filters and tests are known."""

from collections.abc import Iterator
from pathlib import Path

from cases import casefile
from cases.engines import JINJA2, evaluate

from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.ir.lower import Options, lower
from tmplmon.syntax.lexer import Syntax
from tmplmon.syntax.parser import parse
from tmplmon.syntax.source import Source

CASES = sorted((Path(__file__).parents[1] / "cases").glob("*/*.txt"))
TAGS = frozenset({"trans", "do", "break", "continue", "debug"})
LEXICAL = set(Syntax._fields) - {"tags", "custom_tags"}


class Anything:
    """Contains all names of filters and tests."""

    def __contains__(self, name: object) -> bool:
        return True


def program(
    text: str, *, name: str = "main", syntax: Syntax | None = None, autoescape: bool = False
) -> ops.Program:
    source = Source(text, name, f"/templates/{name}")
    options = Options(autoescape=autoescape, filters=Anything(), tests=Anything())
    return lower(parse(source, syntax or Syntax(tags=TAGS)), source, options)


def corpus() -> Iterator[tuple[str, str, str, Syntax]]:
    """(case, name of the template, its source, its syntax) of all templates of the corpus."""
    for path in CASES:
        case = casefile.read(path)
        options = evaluate(case.sections.get("options", ""), JINJA2)
        syntax = Syntax(tags=TAGS, **{name: value for name, value in options.items() if name in LEXICAL})
        for name, text in case.templates.items():
            yield f"{path.parent.name}/{path.stem}", name, text, syntax


def lowered_corpus() -> Iterator[tuple[str, ops.Program]]:
    """(case and template, its program) of all well-formed templates of the corpus."""
    for case, name, text, syntax in corpus():
        for autoescape in (False, True):
            try:
                yield f"{case} {name}", program(text, name=name, syntax=syntax, autoescape=autoescape)
            except TemplateSyntaxError:
                break
