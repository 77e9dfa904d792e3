"""Prepares the docstrings for the API reference: the lines that describe arguments become a list.

In the source, a docstring describes arguments in lines of the form ``name: meaning``, with continuation lines
indented. Markdown would join such lines to one paragraph.
"""

import re
from typing import Any

import griffe

# One name, or several with commas; then the meaning.
ARGUMENT = re.compile(r"(\*{0,2}\w+(?:(?:, | … )\*{0,2}\w+)*): (?=\S)")


class ArgumentLists(griffe.Extension):
    """Rewrites the docstring of each object."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = with_argument_lists(obj.docstring.value)


def with_argument_lists(text: str) -> str:
    """Turn each paragraph of argument descriptions into a Markdown list."""
    paragraphs = re.split(r"\n{2,}", text)
    return "\n\n".join(
        argument_list(paragraph) if is_list(paragraph) else paragraph for paragraph in paragraphs
    )


def is_list(paragraph: str) -> bool:
    """Whether each line begins an argument or continues one."""
    lines = paragraph.split("\n")
    return bool(ARGUMENT.match(lines[0])) and all(
        line.startswith("    ") or ARGUMENT.match(line) for line in lines
    )


def argument_list(paragraph: str) -> str:
    """The Markdown list for a paragraph of argument descriptions."""
    return re.sub(rf"(?m)^{ARGUMENT.pattern}", r"- **`\1`**: ", paragraph)
