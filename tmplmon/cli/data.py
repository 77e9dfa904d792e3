"""The context from the command line: ``--data site.json extra.toml title=Home draft:=false``.

Rule: each item adds names to the context, in order, and a later one replaces an earlier one's. ``name=text`` is a
string, ``name:=json`` a JSON value, ``-`` a JSON object on standard input; anything else is a file, whose name's
end says what is in it, and which holds a table of names. (A file with such a name is ``./a=b.json``.)
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tmplmon.cli.problems import Problem, ProblemFound, UsageError, shown_path

_ASSIGNMENT = re.compile(r"([^\W\d]\w*)(:?)=(.*)", re.S)


def read_data(items: Iterable[str]) -> dict[str, Any]:
    """The context that the items make. Raises ProblemFound for a file that cannot be read or is not what its name
    says, UsageError for an item that means nothing."""
    context: dict[str, Any] = {}
    for item in items:
        if (assignment := _ASSIGNMENT.fullmatch(item)) is not None:
            name, is_json, text = assignment.groups()
            context[name] = _value(name, text) if is_json else text
        else:
            context.update(_file(item))
    return context


def data_files(items: Iterable[str]) -> list[str]:
    """Those of the items that are files."""
    return [item for item in items if item != "-" and _ASSIGNMENT.fullmatch(item) is None]


def _value(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name}:= is followed by {text!r}, which is not JSON: {error}") from None
    except RecursionError:
        raise UsageError(f"{name}:= is followed by JSON that is nested too deeply") from None


def _file(path: str) -> dict[str, Any]:
    text = _text(path)
    shown = "standard input" if path == "-" else shown_path(path) or path
    found = (_json if path == "-" else _reader(path))(text, shown)
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise ProblemFound(
            Problem(f"the data must be an object with names, not a {kind}", shown, code="data")
        )
    return found


def _text(path: str) -> str:
    """A file's text. A byte order mark at its start is not part of it, as editors on Windows write one."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            _reader(path)  # a file of a kind that cannot be read is refused before it is opened
            with open(path, "rb") as file:
                data = file.read()
        return data.decode("utf-8-sig")
    except OSError as error:
        message = f"cannot read the data: {error.strerror}"
        raise ProblemFound(Problem(message, shown_path(path), code="data")) from None
    except UnicodeDecodeError as error:
        message = f"the data is not UTF-8: {error.reason} at byte {error.start}"
        raise ProblemFound(Problem(message, shown_path(path), code="data")) from None


def _reader(path: str) -> Callable[[str, str], Any]:
    lower = path.lower()
    for end, reader in _READERS.items():
        if lower.endswith(end):
            return reader
    if lower.endswith((".yaml", ".yml")):
        raise UsageError(f"{path}: YAML is not read; convert the file to JSON or TOML")
    raise UsageError(
        f"{path!r} is neither name=text, name:=json nor a file that ends in {' or '.join(_READERS)}"
    )


def _json(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = text.split("\n")[error.lineno - 1].rstrip("\r")
        message = f"invalid JSON: {error.msg}"
        problem = Problem(message, path, error.lineno, error.colno, source_line=line, code="data")
        raise ProblemFound(problem) from None
    except RecursionError:
        raise ProblemFound(Problem("the JSON is nested too deeply", path, code="data")) from None


def _toml(text: str, path: str) -> Any:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its place is in its text; only from Python 3.14 on is it in attributes too.
        found = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        message = f"invalid TOML: {str(error)[: found.start()] if found else error}"
        problem = Problem(message, path, code="data")
        if found:
            problem.line, problem.column = int(found[1]), int(found[2])
            problem.source_line = text.split("\n")[problem.line - 1].rstrip("\r")
        raise ProblemFound(problem) from None
    except RecursionError:
        raise ProblemFound(Problem("the TOML is nested too deeply", path, code="data")) from None


_READERS: dict[str, Callable[[str, str], Any]] = {".json": _json, ".toml": _toml}
