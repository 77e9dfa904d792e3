"""Blocks and inheritance: the blocks that ``{% block %}``, ``super()`` and ``self.name()`` run.

Rule: each template has a table, block name → chain of one block. A template that extends another one renders with a
merged table: for each name, the child's chain followed by the parent's. Each pair of tables is merged once, so a
rendering only looks chains up. A block is in a chain once, even if templates extend each other in a cycle.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

from tmplmon.runtime.html import mark_text

if TYPE_CHECKING:
    from tmplmon.runtime.context import Context
    from tmplmon.template import Template


class Block:
    """A block of a template.

    name: its name. template: the template that defines it. code: the function `code(context, output)`, which
        appends the block's output to a list. required: whether a child template must fill it.
    """

    __slots__ = ("code", "name", "required", "template")

    def __init__(self, name: str, template: "Template", code: Callable[..., Any], required: bool) -> None:
        self.name = name
        self.template = template
        self.code = code
        self.required = required

    @property
    def generate_code(self) -> Callable[..., Any]:
        """The function `generate_code(context)`, which yields the block's output in chunks."""
        return self.template._generating(self.name)

    def __call__(self, context: "Context") -> Any:
        """Yield the output, like the functions in Jinja2's `Template.blocks`."""
        return self.generate_code(context)

    def __repr__(self) -> str:
        return f"<block {self.name!r} of {self.template!r}>"


class BlockTable(dict[str, tuple[Block, ...]]):
    """Block name → chain: the blocks of that name, the most derived first. Tables are compared by identity.

    after: block → the next one of its chain, or a `NoSuper`.
    extending: the table of a parent template → the table of a template with this one that extends it.
    """

    __slots__ = ("after", "extending")

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]

    @classmethod
    def of(cls, blocks: Mapping[str, Any]) -> Self:
        """Return the table of chains, or of single blocks such as those of `Template.blocks`."""
        return cls(
            {name: (each,) if isinstance(each, Block) else tuple(each) for name, each in blocks.items()}
        )

    def __init__(self, chains: Mapping[str, tuple[Block, ...]]) -> None:
        super().__init__(chains)
        self.after: dict[Block, Block | NoSuper] = {}
        for chain in chains.values():
            self.after.update(pairwise(chain))
            self.after[chain[-1]] = NoSuper(chain[-1])
        self.extending = _MergedTables(self)


class _MergedTables(dict[BlockTable, BlockTable]):
    """Table of a parent template → the merged table. A missing one is created."""

    __slots__ = ("table",)

    # A parent that is loaded again has another table; the older ones are dropped at some time.
    MAX_SIZE = 64

    def __init__(self, table: BlockTable) -> None:
        self.table = table

    def __missing__(self, parent: BlockTable) -> BlockTable:
        own = self.table
        if len(self) >= self.MAX_SIZE:
            self.clear()
        further = {
            name: tuple(block for block in chain if block not in own.after) for name, chain in parent.items()
        }
        merged = own
        if any(further.values()):
            merged = BlockTable(
                {name: own.get(name, ()) + further.get(name, ()) for name in {**own, **further}}
            )
        self[parent] = merged
        return merged


class BlockReference:
    """A block that a template can call: `self.name` or `super`.

    name: the block's name. depth: its index in the chain.
    """

    __slots__ = ("_chain", "_context", "depth", "name")

    def __init__(self, context: "Context", name: str, chain: tuple[Block, ...], depth: int) -> None:
        self._context = context
        self.name = name
        self._chain = chain
        self.depth = depth

    @property
    def super(self) -> Any:
        """The next block in the chain, of a parent template; undefined if there is none."""
        return _reference(self._context, self.name, self._chain, self.depth + 1)

    @property
    def block(self) -> Block:
        """The block that a call runs."""
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
    """Return `super` for the block `current`: the next block of this name, or an undefined value."""
    chain = context.blocks.get(name, ())
    depth = chain.index(current) if current in chain else len(chain)
    return _reference(context, name, chain, depth + 1)


class NoSuper:
    """Takes the place of the block after the last one in a chain. Running it raises UndefinedError."""

    __slots__ = ("_last",)

    def __init__(self, last: Block) -> None:
        self._last = last

    def code(self, *_: Any) -> Any:
        environment, name = self._last.template.environment, self._last.name
        return environment.undefined(f"there is no parent block called {name!r}.", name="super")()

    generate_code = code


class TemplateReference:
    """The value of `self` in a template: its attributes and items are the template's blocks, which can be
    called."""

    # Templates read the name of the template as `self._TemplateReference__context.name`.
    __slots__ = ("__context",)

    def __init__(self, context: "Context") -> None:
        self.__context = context

    __iter__ = None  # otherwise iteration would use the items 0, 1, 2 …

    def __getitem__(self, name: str) -> BlockReference:
        return BlockReference(self.__context, name, self.__context.blocks[name], 0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__context.name!r}>"
