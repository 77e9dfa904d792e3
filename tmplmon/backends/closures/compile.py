"""From a program to the functions of a template. Trees are not built here, but when they are first run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.constants import Constants
from tmplmon.backends.closures.entry import code_of, expression_of, generating_of
from tmplmon.backends.closures.scope import CompiledScope
from tmplmon.ir import ops

if TYPE_CHECKING:
    from tmplmon.template import Template


class ClosureCode:
    """The code of a template, before it is linked with an environment; the counterpart of `backends.code.Code`.

    program: the template's IR. file: its file name.
    blocks: the names of its blocks. required: the names of its required blocks.
    result: the slot of the value if the program is an expression, else None.
    """

    __slots__ = ("blocks", "file", "program", "required", "result")

    def __init__(self, program: ops.Program, result: ops.Slot | None = None) -> None:
        self.program = program
        self.file = program.filename
        self.blocks = tuple(program.blocks)
        self.required = frozenset(name for name, scope in program.blocks.items() if scope.required)
        self.result = result

    def lines(self) -> set[int]:
        """The executable lines."""
        lines: set[int] = set()
        pending = [self.program.root, *self.program.blocks.values()]
        while pending:
            scope = pending.pop()
            lines.update(scope.positions[site][0] for site in scope.lines)
            pending += scope.nested
        return lines

    def linked(self, template: "Template") -> "Functions":
        """The functions of a template, with the filters and tests that its environment has now."""
        return Functions(self, template)


class Functions:
    """The functions of a linked template, and the scopes that they run.

    root: the scope of its body. blocks: block name → scope.
    """

    pure = False

    def __init__(self, code: ClosureCode, template: "Template") -> None:
        is_async = template.environment.is_async and code.result is None
        self.constants = Constants(template, code.program, template.blocks, is_async)
        self.root = CompiledScope(self.constants, code.program.root)
        self.blocks = {name: CompiledScope(self.constants, ir) for name, ir in code.program.blocks.items()}
        self._result = code.result
        self._generating: dict[str | None, Callable[..., Any]] = {}

    def code(self, block: str | None) -> Callable[..., Any]:
        """The function `code(context, output)` of the template (None) or of a block; `code(context)` of an
        expression."""
        if self._result is not None:
            return expression_of(self.root, self._result)
        return code_of(self._scope(block))

    def generating(self, block: str | None) -> Callable[..., Any]:
        """The function `generate_code(context)` of the template (None) or of a block."""
        generating = self._generating.get(block)
        if generating is None:
            generating = self._generating[block] = generating_of(self._scope(block))
        return generating

    def _scope(self, block: str | None) -> CompiledScope:
        return self.root if block is None else self.blocks[block]
