"""Stands for an extension of Jinja2's that the process of a report does not have.

The class may be local to a function of the application, or need an application that is set up.

Rule: its tags have any arguments. A tag has a body if the template contains its name after ``end``. That is what
nearly all extensions do, and it is enough to know the lines of a template.
"""

import re
from collections.abc import Collection
from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension


def extension_with(tag_names: Collection[str]) -> type[Extension]:
    """Return a class of extensions that has these tags."""

    class Unknown(Extension):
        tags = set(tag_names)  # noqa: RUF012
        _source = ""

        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
            self._source = source
            return source

        def parse(self, parser: Any) -> nodes.Node:
            token = next(parser.stream)
            while parser.stream.current.type != "block_end":
                next(parser.stream)
            call = self.call_method("_call")
            if re.search(rf"\bend{token.value}\b", self._source) is None:
                return nodes.Output([call]).set_lineno(token.lineno)
            body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
            return nodes.CallBlock(call, [], [], body).set_lineno(token.lineno)

        def _call(self, caller: Any = None) -> str:
            return ""

    return Unknown
