"""The code of a template, as the bytecode back end makes it and the disk cache keeps it."""

from types import CodeType
from typing import TYPE_CHECKING, Any

from tmplmon.backends.bytecode.link import Functions

if TYPE_CHECKING:
    from tmplmon.template import Template


class Code:
    """The code of a template in one of two forms: functions that give their output to a function they are passed,
    or generators.

    root: of the template's body. blocks: block name → its code. required: names of required blocks.
    pure: whether the body needs a context only to look names up, so that it can run with an including template's;
        it takes a dict of variables that come before the context's then, as its last parameter.
    links: what the functions need by name, (global name, kind, detail); see `bytecode.links`.
    """

    __slots__ = ("blocks", "links", "pure", "required", "root")

    def __init__(
        self,
        root: CodeType,
        blocks: dict[str, CodeType],
        required: frozenset[str],
        pure: bool,
        links: tuple[tuple[str, str, Any], ...],
    ) -> None:
        self.root = root
        self.blocks = blocks
        self.required = required
        self.pure = pure
        self.links = links

    @property
    def file(self) -> str:
        """What the code is of."""
        return self.root.co_filename

    def lines(self) -> set[int]:
        """The lines with code."""
        from tmplmon.monitoring.linetable import iter_lines

        found: set[int] = set()
        pending = [self.root, *self.blocks.values()]
        while pending:
            code = pending.pop()
            found.update(line for _, _, line in iter_lines(code))
            pending += [const for const in code.co_consts if isinstance(const, CodeType)]
        return found

    def linked(self, template: "Template") -> Functions:
        """The functions for a template, with the filters and tests that its environment has now."""
        return Functions(self, template)
