"""Tokens and trees as text, for ``tmplmon show tokens`` and ``tmplmon show tree``.

    {% for u in users %}        1:1-6    TAG_FOR      'for'          For  1:1-20
      {{ u.name }}              1:8      NAME         'u'              target  Name 'u'  1:8
    {% endfor %}                …                                      …

Rule: the text shows exactly the input of the next pass. Places are ``line:column-end``, or
``line:column-line:column`` if the end is on another line; they are 1-based, as in an editor, and columns count
characters.
"""

from typing import Any

from tmplmon.syntax import nodes
from tmplmon.syntax.lexer import Syntax, scan
from tmplmon.syntax.source import Source

INDENT = "  "
# The number of characters of a text or literal that are shown.
TEXT_SHOWN = 60


def show_place(source: Source, start: int, end: int) -> str:
    """The place of the characters from `start` to `end`."""
    line, column = source.line_column(start)
    end_line, end_column = source.line_column(max(end, start + 1) - 1)
    if end_line != line:
        return f"{line}:{column + 1}-{end_line}:{end_column + 1}"
    return f"{line}:{column + 1}" if end_column == column else f"{line}:{column + 1}-{end_column + 1}"


def show_tokens(source: Source, syntax: Syntax) -> str:
    """A line for each token, with its place, type and value; the text ends with a newline.

    No exception is raised for text that cannot be cut into tokens: the last line is the ERROR token, with its
    message.
    """
    tokens, _ = scan(source, syntax)
    rows = []
    for kind, value, start, end in tokens:
        shown = value.message if kind == "ERROR" else _cut(value)
        rows.append((show_place(source, start, end), kind, shown))
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    return "".join(
        f"{place:<{widths[0]}}  {kind:<{widths[1]}}  {value}".rstrip() + "\n" for place, kind, value in rows
    )


def show_tree(node: nodes.Node, source: Source) -> str:
    """A line for each node, followed by lines for the nodes inside it; the text ends with a newline."""
    lines: list[str] = []
    # A worklist instead of recursion, as a chain of operations can be a thousand nodes deep.
    worklist: list[tuple[int, str, Any]] = [(0, "", node)]
    while worklist:
        depth, label, value = worklist.pop()
        start = INDENT * depth + (f"{label}  " if label else "")
        if isinstance(value, list):
            lines.append(start.rstrip())
            inside = [("", item) for item in value]
        else:
            head, inside = _head(value, source)
            lines.append(start + head)
        worklist += [(depth + 1, name, item) for name, item in reversed(inside)]
    return "\n".join(lines) + "\n"


def _head(node: nodes.Node, source: Source) -> tuple[str, list[tuple[str, Any]]]:
    """(the line of a node, the parts below it); a part is (label, a node or a list of nodes)."""
    words: list[str] = []
    inside: list[tuple[str, Any]] = []
    if isinstance(node, nodes.If):
        for start, end, test, body in node.branches:
            inside += [("test", test), (f"then  {show_place(source, start, end)}", body)]
        if node.orelse is not None:
            inside.append((_else_label(node, source), node.orelse))
        return f"If  {show_place(source, node.start, node.end)}", inside
    fields: tuple[str, ...] = type(node).__match_args__
    for name in fields[2:]:  # after `start` and `end`
        value = getattr(node, name)
        if name == "else_tag":
            continue  # shown with `orelse`
        if name == "orelse" and isinstance(node, nodes.For) and value:
            name = _else_label(node, source)
        if isinstance(value, nodes.Arguments):
            inside += _arguments(value)
        elif isinstance(value, nodes.Node) or _is_body(value):
            inside.append((name, value))
        elif isinstance(value, list):
            plain, nested = _list(value)
            words += plain
            inside += nested
        elif isinstance(node, nodes.Const):
            words.append(_cut(value))
        elif value is True:
            words.append(name)
        elif value is not None and value is not False:
            words.append(_cut(value))
    return " ".join([type(node).__name__, *words]) + f"  {show_place(source, node.start, node.end)}", inside


def _else_label(node: nodes.If | nodes.For, source: Source) -> str:
    assert node.else_tag is not None
    return f"else  {show_place(source, *node.else_tag)}"


def _is_body(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], nodes.Stmt)


def _list(value: list[Any]) -> tuple[list[str], list[tuple[str, Any]]]:
    """(words on the line, parts below it) for a field with expressions, parameters, pairs or names."""
    words: list[str] = []
    inside: list[tuple[str, Any]] = []
    for item in value:
        if isinstance(item, nodes.Node):
            inside.append(("", item))
        elif isinstance(item, str):
            words.append(item)
        elif isinstance(item[0], nodes.Node):
            inside += [("", item[0]), ("", item[1])]
        elif isinstance(item[1], nodes.Node):
            inside.append(item)
        else:
            words.append(item[0] if item[0] == item[1] else f"{item[0]} as {item[1]}")
    return [", ".join(words)] if words else [], inside


def _arguments(arguments: nodes.Arguments) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = [("arg", arg) for arg in arguments.args]
    parts += [(f"{name}=", value) for name, value in arguments.kwargs]
    parts += [("*", arguments.star)] if arguments.star is not None else []
    parts += [("**", arguments.star_star)] if arguments.star_star is not None else []
    return parts


def _cut(value: object) -> str:
    """The repr of a value, shortened if it is a long text."""
    if isinstance(value, str) and len(value) > TEXT_SHOWN:
        return f"{value[:TEXT_SHOWN]!r}… {len(value)} characters"
    return repr(value)
