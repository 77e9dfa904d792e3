"""Blocks and inheritance: which block runs where a template says ``{% block %}``, ``super()`` or ``self.name()``.

Rule: each template has a table, block name → chain of one block. A template that extends another renders with the
tables merged: for each name the child's chain, then the parent's. A merge is made once for a pair of tables and
kept, so that a rendering only looks its chains up.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tmplmon.runtime.html import mark_text

if TYPE_CHECKING:
    from tmplmon.runtime.context import Blocks, Context


class Block:
    """A block of a template. `template` owns it; `code(context, output)` appends its output to a list."""

    __slots__ = ("code", "name", "required", "template")

    def __init__(self, name: str, template: Any, code: Callable[..., Any], required: bool) -> None:
        self.name = name
        self.template = template
        self.code = code
        self.required = required

    @property
    def generate_code(self) -> Callable[..., Any]:
        """The function `generate_code(context)` that yields the block's output piece by piece."""
        return self.template._generating(self.name)  # type: ignore[no-any-return]

    def __call__(self, context: "Context") -> Any:
        """Yield the output, as what Jinja2 has in `Template.blocks`."""
        return self.generate_code(context)

    def __repr__(self) -> str:
        return f"<block {self.name!r} of {self.template!r}>"


class BlockTable(dict[str, tuple[Block, ...]]):
    """Block name → chain. `after` has for each block the next one of its chain, or a `NoSuper`; `merged` keeps the
    tables this one was merged into, with the parent's."""

    __slots__ = ("after", "merged")

    def __init__(self, chains: "Blocks") -> None:
        super().__init__(chains)
        self.after: dict[Block, Block | NoSuper] = {}
        for chain in chains.values():
            self.after.update(pairwise(chain))
            self.after[chain[-1]] = NoSuper(chain[-1])
        self.merged: dict[int, tuple[BlockTable, BlockTable]] = {}

    def extending(self, parent: "BlockTable") -> "BlockTable":
        """The table of a template with this table that extends one with `parent`."""
        # Under its id, and with the table itself kept, so that the id stays taken. A parent that was loaded
        # again has another table; a few generations are kept, not all.
        found = self.merged.get(id(parent))
        if found is None:
            chains = {name: self.get(name, ()) + parent.get(name, ()) for name in {**self, **parent}}
            if len(self.merged) >= 64:
                self.merged.clear()
            found = self.merged[id(parent)] = parent, BlockTable(chains)
        return found[1]


class BlockReference:
    """A block that a template calls: `self.name` or `super`. `depth` counts up the chain."""

    __slots__ = ("_chain", "_context", "depth", "name")

    def __init__(self, context: "Context", name: str, chain: tuple[Block, ...], depth: int) -> None:
        self._context = context
        self.name = name
        self._chain = chain
        self.depth = depth

    @property
    def super(self) -> Any:
        """The next block up the chain."""
        return _reference(self._context, self.name, self._chain, self.depth + 1)

    @property
    def block(self) -> Block:
        return self._chain[self.depth]

    def __call__(self) -> Any:
        context = self._context
        if context.environment.is_async:
            return self._call_async()
        output: list[Any] = []
        self._chain[self.depth].code(context, output)
        return self._text(output)

    async def _call_async(self) -> Any:
        output: list[Any] = []
        await self._chain[self.depth].code(self._context, output)
        return self._text(output)

    def _text(self, output: list[Any]) -> Any:
        text = self._context.environment.concat(output)
        return mark_text(text) if self._context.eval_ctx.autoescape else text


def _reference(context: "Context", name: str, chain: tuple[Block, ...], depth: int) -> Any:
    if depth >= len(chain):
        return context.environment.undefined(f"there is no parent block called {name!r}.", name="super")
    return BlockReference(context, name, chain, depth)


def super_of(context: "Context", name: str, current: Block) -> Any:
    """What `super` is in the block `current`."""
    chain = context.blocks.get(name, ())
    depth = chain.index(current) if current in chain else len(chain)
    return _reference(context, name, chain, depth + 1)


class NoSuper:
    """Stands for the block after the last one, for code that would run it. Running it is the error."""

    __slots__ = ("_last",)

    def __init__(self, last: Block) -> None:
        self._last = last

    def code(self, *_: Any) -> Any:
        environment, name = self._last.template.environment, self._last.name
        return environment.undefined(f"there is no parent block called {name!r}.", name="super")()

    generate_code = code


class TemplateReference:
    """What `self` is: its attributes and items are the template's blocks, as callables."""

    __slots__ = ("_context",)

    def __init__(self, context: "Context") -> None:
        self._context = context

    __iter__ = None  # else Python would ask for the items 0, 1, 2 …

    def __getitem__(self, name: str) -> BlockReference:
        return BlockReference(self._context, name, self._context.blocks[name], 0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._context.name!r}>"
