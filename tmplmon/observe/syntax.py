"""The syntax of the observed environments: what a tool needs to know to parse their templates.

Rule: it is recorded when a template is created, and kept after its environment is gone. It consists of names and
numbers only, so that a report in another process can use it.
"""

import json
import os
from typing import Any

from tmplmon import loaded

# The attributes of an environment that determine how a template is split into tags and text.
DELIMITERS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
)

# File → its syntax, as JSON: the delimiters, and the import name and the tags of each extension.
_recorded: dict[str, str] = {}


def note(filename: str, name: str | None, environment: Any) -> None:
    """Record that an environment of Jinja2's has created the template `name` from `filename`."""
    file = os.path.abspath(filename)
    loaded.note(file, name, environment)
    _recorded[file] = describe(environment)


def describe(environment: Any) -> str:
    """The syntax of an environment, as JSON."""
    values = {name: getattr(environment, name) for name in DELIMITERS}
    extensions = [
        (f"{type(each).__module__}.{type(each).__qualname__}", sorted(each.tags))
        for each in environment.iter_extensions()
    ]
    return json.dumps({**values, "extensions": extensions})


def recorded() -> dict[str, str]:
    """The syntax of all templates that were observed: absolute path → JSON as of `describe`."""
    return dict(_recorded)
