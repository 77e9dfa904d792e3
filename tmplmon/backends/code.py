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

    @property
    def file(self) -> str:
        """What the code is of."""
        return self.root.co_filename

    def lines(self) -> set[int]:
        """The lines with code."""
        found: set[int] = set()
        pending = [self.root, *self.blocks.values()]
        while pending:
            code = pending.pop()
            found.update(line for _, _, line in code.co_lines() if line is not None)
            pending += [const for const in code.co_consts if isinstance(const, CodeType)]
        return found
