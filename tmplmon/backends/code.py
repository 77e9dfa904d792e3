"""The code of a template, as the bytecode back end makes it and the disk cache keeps it."""

from types import CodeType
from typing import Any


class Code:
    """The code of a template in one of two forms: functions that give their output to a function they are passed,
    or generators.

    root: of the template's body. blocks: block name → its code. required: names of required blocks.
    links: what the functions need by name, (global name, kind, detail); see `bytecode.links`.
    """

    __slots__ = ("blocks", "links", "required", "root")

    def __init__(
        self,
        root: CodeType,
        blocks: dict[str, CodeType],
        required: frozenset[str],
        links: tuple[tuple[str, str, Any], ...],
    ) -> None:
        self.root = root
        self.blocks = blocks
        self.required = required
        self.links = links
