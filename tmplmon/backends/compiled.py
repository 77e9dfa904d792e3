"""What the two back ends give `Template`: the interface that both products have. For type checkers only."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tmplmon.template import Template


class CompiledTemplate(Protocol):
    """A template's source, compiled. It knows no environment yet and can be linked any number of times."""

    @property
    def file(self) -> str:
        """The file that the functions are of: an absolute path, or a name in angle brackets."""
        ...

    @property
    def blocks(self) -> Collection[str]:
        """The names of the blocks."""
        ...

    @property
    def required(self) -> frozenset[str]:
        """The names of the blocks that a child template must fill."""
        ...

    def lines(self) -> set[int]:
        """Return the lines, 1-based, that have code."""
        ...

    def linked(self, template: "Template") -> "LinkedTemplate":
        """Return the functions of a template, with the filters, tests and globals that its environment has now.

        Raises TemplateAssertionError if the environment does not have one of the filters or tests any more.
        """
        ...


class LinkedTemplate(Protocol):
    """The functions of a template in its environment. None stands for the template's body, a name for a block."""

    @property
    def pure(self) -> bool:
        """Whether the body's function takes a third argument: a dict of variables that precede the context's. Such
        a body needs the context only to look names up."""
        ...

    def code(self, block: str | None) -> Callable[..., Any]:
        """Return the function `code(context, output)`, which appends its output to a list. (Of an expression:
        `code(context)`, which returns its value.)"""
        ...

    def generating(self, block: str | None) -> Callable[..., Any]:
        """Return the function `generate_code(context)`, which yields its output."""
        ...
