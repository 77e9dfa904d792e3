"""Reduces a case while the engines still differ in the same way."""

import re
from collections.abc import Iterator
from dataclasses import replace

from cases.casefile import Case

from .compare import Disagreement, disagreement

# Tags, outputs and comments of every syntax that is generated, line statements, words of text, and blanks.
PIECES = re.compile(
    r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<!--.*?-->|<%.*?%>|\$\{.*?\}|\[%.*?%\]|\[\[.*?\]\]|\[#.*?#\]"
    r"|\\(?:BLOCK|VAR|#)\{.*?\}|\(\(\*.*?\*\)\)|\(\(\(.*?\)\)\)|\(\(=.*?=\)\)|\n[ ]*[#%][^\n]*|\s|.",
    re.DOTALL,
)


def shrink(case: Case) -> Case:
    """The smallest case that can be reached by leaving out pieces, options and variables one after another.

    A candidate counts only if both engines' results are of the same kinds as those of the original case: an output,
    or an error of the same type.
    """
    difference = disagreement(case)
    if difference is None:
        return case
    kinds = difference.kinds
    while True:
        for candidate in _smaller(case):
            if _kinds(candidate) == kinds:
                case = candidate
                break
        else:
            return case


def _kinds(case: Case) -> tuple[str, str] | None:
    try:
        difference: Disagreement | None = disagreement(case)
    except SyntaxError:  # an option that depends on another one
        return None
    return difference and difference.kinds


def _smaller(case: Case) -> Iterator[Case]:
    """Smaller cases, the smallest first."""
    for name, source in case.templates.items():
        for text in _shorter(source):
            yield replace(case, templates={**case.templates, name: text})
        if name != "main":
            yield replace(case, templates={key: text for key, text in case.templates.items() if key != name})
    for section in ("options", "context"):
        lines = case.sections[section].splitlines()
        for i in range(len(lines)):
            text = "\n".join(lines[:i] + lines[i + 1 :])
            yield replace(case, sections={**case.sections, section: text})
    if case.sections["run"] not in ("render", "native"):
        yield replace(case, sections={**case.sections, "run": "render"})


def _shorter(source: str) -> Iterator[str]:
    """Sources without some parts: without long stretches first, then without a tag and its end tag."""
    pieces = PIECES.findall(source)
    length = len(pieces)
    while length:
        for start in range(0, len(pieces), length):
            yield "".join(pieces[:start] + pieces[start + length :])
        length //= 2
    tags = [i for i, piece in enumerate(pieces) if len(piece) > 2]
    for i in tags:
        for j in tags:
            if i < j and "end" in pieces[j]:
                yield "".join(piece for k, piece in enumerate(pieces) if k not in (i, j))
