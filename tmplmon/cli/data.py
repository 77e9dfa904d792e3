"""Reads the context from the command line: ``--data site.json extra.toml title=Home draft:=false``.

Rule: each item adds names to the context; later items override earlier ones. ``name=text`` is a string,
``name:=json`` a JSON value, ``-`` a JSON object on standard input. Any other item is a file that contains a
table of names, in the format given by its extension. (A file named ``a=b.json`` is written ``./a=b.json``.)
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tmplmon.cli.problems import Problem, ProblemFound, UsageError, shown_path

_ASSIGNMENT = re.compile(r"([^\W\d]\w*)(:?)=(.*)", re.S)


def read_data(items: Iterable[str]) -> dict[str, Any]:
    """Return the context that the items define. Raises ProblemFound if a file cannot be read or parsed, and
    UsageError if an item is not understood."""
    context: dict[str, Any] = {}
    for item in items:
        if (assignment := _ASSIGNMENT.fullmatch(item)) is not None:
            name, is_json, text = assignment.groups()
            context[name] = _value(name, text) if is_json else text
        else:
            context.update(_file(item))
    return context


def data_files(items: Iterable[str]) -> list[str]:
    """Return the items that are files."""
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
    data = (_json if path == "-" else _reader(path))(text, shown)
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise ProblemFound(
            Problem(f"the data must be an object with names, not a {kind}", shown, code="data")
        )
    return data


def _text(path: str) -> str:
    """Read a file, without the byte order mark that editors on Windows may write."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            _reader(path)  # refuse an unknown format before the file is opened
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
        # Python 3.13 has the position only in the text of the error, later versions also in attributes.
        position = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        message = f"invalid TOML: {str(error)[: position.start()] if position else error}"
        problem = Problem(message, path, code="data")
        if position:
            problem.line, problem.column = int(position[1]), int(position[2])
            problem.source_line = text.split("\n")[problem.line - 1].rstrip("\r")
        raise ProblemFound(problem) from None
    except RecursionError:
        raise ProblemFound(Problem("the TOML is nested too deeply", path, code="data")) from None


_READERS: dict[str, Callable[[str, str], Any]] = {".json": _json, ".toml": _toml}
