"""What the trees of one template are built with: filters, tests, undefined values and settings of its environment.

All of it is looked up when a tree is built and none when it runs. When the environment's tables change, the
template is linked again and gets new constants and new trees.
"""

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tmplmon.runtime import support
from tmplmon.runtime.calls import call
from tmplmon.runtime.guard import Guard, Text
from tmplmon.runtime.markers import is_inlinable, pass_arg_of
from tmplmon.runtime.undefined import Undefined

if TYPE_CHECKING:
    from tmplmon.ir.ops import Program

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
}
STOCK_TEXT = Text()


class Constants:
    """The constants of one linked template.

    blocks: block name → the template's `Block`.
    metered: whether a rendering may have a budget.
    stock_getattr, stock_getitem: whether attributes and items are looked up as the engine does it by default.
    guard: the rules of a sandbox; None outside of one.
    """

    def __init__(self, template: Any, program: "Program", blocks: Mapping[str, Any], is_async: bool) -> None:
        environment = template.environment
        self.template = template
        self.program = program
        self.blocks = blocks
        self.environment = environment
        self.is_async = is_async
        self.metered: bool = environment.sandboxed or environment.limits is not None
        self.native: bool = environment._native
        self.finalize: Callable[..., Any] | None = environment.finalize if program.finalize else None
        self.finalize_wants = None if self.finalize is None else pass_arg_of(self.finalize)
        self.stock_getattr = is_inlinable(environment.getattr)
        self.stock_getitem = is_inlinable(environment.getitem)
        self.guard: Guard | None = environment._guard()
        self.call: Callable[..., Any] = call if self.guard is None else self.guard.call
        self.text = STOCK_TEXT if self.guard is None else self.guard.text
        self.compare = COMPARE
        if self.guard is not None:
            self.compare = {name: self.guard.comparing(name, function) for name, function in COMPARE.items()}
        self.undefined_class: type[Undefined] = environment.undefined
        self._undefined: dict[str, Undefined] = {}

    def undefined(self, name: str) -> Undefined:
        """The undefined value of a variable: the same object wherever the template names the variable."""
        undefined = self._undefined.get(name)
        if undefined is None:
            undefined = self._undefined[name] = self.undefined_class(name=name)
        return undefined

    def default(self, name: str) -> Any:
        """The value of a name that the context does not have: the environment's global, or undefined."""
        names = self.environment._globals
        return names[name] if name in names else self.undefined(name)

    def absent(self, name: str) -> Undefined:
        """The value of a parameter that was not passed."""
        return self.undefined_class(f"parameter {name!r} was not provided", name=name)

    def function(self, kind: str, name: str) -> tuple[Callable[..., Any], str | None]:
        """The function of a filter or test, and what a marked one is passed first: "context", "eval_context",
        "environment" or None. kind: "filter" or "test"."""
        function = self._table(kind).get(name)
        if function is None:
            return support.unknown(kind, name), None
        wants = pass_arg_of(function)
        if kind == "filter":
            function = self.environment._callable_filter(name, function)
        else:
            function = self.environment._callable_test(name, function)
        return function, wants

    def is_known(self, kind: str, name: str) -> bool:
        return name in self._table(kind)

    def is_stock(self, kind: str, name: str) -> bool:
        """Whether a filter or test is the engine's own, so that it may be inlined."""
        environment = self.environment
        stock = environment._stock_filters if kind == "filter" else environment._stock_tests
        function = self._table(kind).get(name)
        return function is not None and function is stock.get(name)

    def _table(self, kind: str) -> Mapping[str, Callable[..., Any]]:
        table: Mapping[str, Callable[..., Any]]
        table = self.environment._filters if kind == "filter" else self.environment._tests
        return table
