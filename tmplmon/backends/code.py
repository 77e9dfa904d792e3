"""The code of a template, as the bytecode back end compiles it and the disk cache stores it."""

from types import CodeType
from typing import TYPE_CHECKING, Any

from tmplmon.backends.bytecode.link import Functions

if TYPE_CHECKING:
    from tmplmon.template import Template


class Code:
    """The code of a template in one of two forms: functions that append their output to a list, or generators.

    root: the code of the template's body.
    blocks: name of a block → its code.
    required: the names of required blocks.
    pure: whether the body uses its context for look-ups only, so that it can run with the context of an including
        template. Its last parameter is then a dict of variables that take precedence over the context.
    links: (global name, kind, detail) of each object that the functions need; see `bytecode.links`.
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
        """The file of the template, or the name in angle brackets that stands for it."""
        return self.root.co_filename

    def lines(self) -> set[int]:
        """The 1-based lines that have code."""
        from tmplmon.monitoring.linetable import iter_lines

        lines: set[int] = set()
        worklist = [self.root, *self.blocks.values()]
        while worklist:
            code = worklist.pop()
            lines.update(line for _, _, line in iter_lines(code))
            worklist += [const for const in code.co_consts if isinstance(const, CodeType)]
        return lines

    def linked(self, template: "Template") -> Functions:
        """The functions of `template`, bound to the filters and tests that its environment has now."""
        return Functions(self, template)
