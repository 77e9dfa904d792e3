"""The lines of templates in tracebacks: an entry for the innermost node of each part of a template.

Rule: Django renders a node by `render_annotated`, whose frame tells the node. Before that entry of the
traceback comes one of the template, with the node's line, and the variables of the context. Entries that a
tool's frame has left there are not doubled.
"""

from __future__ import annotations

from types import CodeType, FrameType, TracebackType
from typing import Any

from django.template.base import Node, TextNode
from django.template.loader_tags import BlockNode

from tmplmon.integrations.django.native.marks import MARKER
from tmplmon.integrations.django.native.parts import BODY, PartialTemplate, file_of
from tmplmon.integrations.django.native.variables import Variables
from tmplmon.monitoring.linetable import encode_linetable


def add_template_frames(error: BaseException, template_nodes: type) -> None:
    """Add the lines of templates to an exception's traceback. Those that have been added are not added again.

    template_nodes: the class of the lists of a template's nodes.
    """
    entries: list[TracebackType] = []
    traceback = error.__traceback__
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    lines = _template_lines(entries, template_nodes)
    if not lines:
        return
    rebuilt: TracebackType | None = None
    for number in reversed(range(len(entries))):
        entry = entries[number]
        rebuilt = TracebackType(rebuilt, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
        if number in lines:
            added = lines[number]
            rebuilt = TracebackType(rebuilt, added.tb_frame, added.tb_lasti, added.tb_lineno)
    error.__traceback__ = rebuilt


def _template_lines(entries: list[TracebackType], template_nodes: type) -> dict[int, TracebackType]:
    """Return the entries to add: the index of the entry that each one precedes → the entry."""
    lines: dict[int, TracebackType] = {}
    innermost: int | None = None
    part = BODY
    has_frame = False

    def end_part() -> None:
        if innermost is not None and not has_frame:
            frame = entries[innermost].tb_frame
            node: Any = frame.f_locals["self"]
            lines[innermost] = _entry_of(node, part, frame.f_locals.get("context"))

    for number, entry in enumerate(entries):
        frame = entry.tb_frame
        name = frame.f_code.co_name
        if MARKER in frame.f_globals:
            has_frame = True
        elif name in ("render", "_render"):
            started = _part_of(frame, template_nodes)
            if started is not None:
                end_part()
                innermost, part, has_frame = None, started, False
        elif name == "render_annotated":
            node = frame.f_locals.get("self")
            token = getattr(node, "token", None)
            if isinstance(node, Node) and not isinstance(node, TextNode) and hasattr(token, "lineno"):
                innermost = number
    end_part()
    return lines


def _part_of(frame: FrameType, template_nodes: type) -> str | None:
    """The name of the part that a frame starts to render."""
    names = frame.f_locals
    owner: Any = names.get("self")
    if isinstance(owner, template_nodes) and "context" in names:
        return BODY
    if isinstance(owner, BlockNode) and "block_context" in names:
        return f"block {owner.name}"
    if PartialTemplate is not None and isinstance(owner, PartialTemplate):
        return f"partial {owner.name}"
    return None


def _entry_of(node: Any, part: str, context: Any) -> TracebackType:
    """Return an entry for a template at a node, with a frame that has run and ended."""
    origin = getattr(node, "origin", None)
    filename = file_of(origin) or f"<template {getattr(origin, 'template_name', None) or 'unknown source'}>"
    names = {"__name__": getattr(origin, "template_name", None) or BODY, MARKER: True, "Raised": _Raised}
    variables = {} if context is None else Variables(context)
    try:
        exec(_code(filename, part, node.token.lineno), names, variables)
    except _Raised as error:
        assert error.__traceback__ is not None and error.__traceback__.tb_next is not None
        return error.__traceback__.tb_next
    raise AssertionError("the code raises")


class _Raised(Exception):
    """Raised to create a frame."""


def _code(filename: str, name: str, line: int) -> CodeType:
    code = compile("raise Raised", filename, "exec")
    positions = [(line, line, None, None)] * (len(code.co_code) // 2)  # columns would mark other text
    table = encode_linetable(positions, line)
    return code.replace(co_name=name, co_qualname=name, co_firstlineno=line, co_linetable=table)
