"""Prepares docstrings for the API reference: the descriptions of arguments become a list.

A docstring describes arguments in a paragraph of the form ``name: meaning. other: meaning.``, with line breaks
anywhere. Markdown would show it as prose.
"""

import re
from typing import Any

import griffe


class ArgumentLists(griffe.Extension):
    """Rewrites the docstring of each function and class."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None and (names := described_names(obj)):
            obj.docstring.value = with_argument_lists(obj.docstring.value, names)


def described_names(obj: griffe.Object) -> list[str]:
    """The parameters of a function; the parameters and attributes of a class."""
    names = list(obj.members) if isinstance(obj, griffe.Class) else []
    if isinstance(obj, griffe.Function | griffe.Class):
        names += [parameter.name for parameter in obj.parameters]
    return sorted({name.lstrip("*") for name in names if name != "self"}, key=len, reverse=True)


def with_argument_lists(text: str, names: list[str]) -> str:
    """Turn each paragraph that begins with a description of one of `names` into a Markdown list."""
    name = rf"\*{{0,2}}(?:{'|'.join(map(re.escape, names))})"
    description = re.compile(rf"(?:\A|(?<=[.;] ))({name}(?:(?:, | … | and ){name})*): (?=\S)")
    paragraphs = []
    for paragraph in re.split(r"\n{2,}", text):
        line = " ".join(paragraph.split())
        if description.match(line):
            _, *parts = description.split(line)
            paragraph = "\n".join(
                f"- **`{parts[i]}`**: {parts[i + 1].strip()}" for i in range(0, len(parts), 2)
            )
        paragraphs.append(paragraph)
    return "\n\n".join(paragraphs)
