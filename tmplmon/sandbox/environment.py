"""The sandboxed environments.

Rule: a sandboxed template can obtain an attribute in one place, `SandboxedEnvironment.getattr` and `getitem`, and
call a value in one, `SandboxedEnvironment.call`. Filters, `str.format` and operators go through the same. The trees
of closures that templates become do in place what these would decide, where the name alone decides it
(`decided_names`); a subclass that decides in its own way is asked every time.
"""

import operator
from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from types import GenericAlias
from typing import Any, ClassVar

from tmplmon.environment import Environment, Name
from tmplmon.errors import SecurityError
from tmplmon.runtime.budget import Budget
from tmplmon.runtime.budget import Limits as BudgetLimits
from tmplmon.runtime.context import Context
from tmplmon.runtime.guard import Guard
from tmplmon.runtime.undefined import Undefined
from tmplmon.sandbox.calls import Calls, is_marked_unsafe
from tmplmon.sandbox.filters import limited_filters, limited_globals, limited_tests
from tmplmon.sandbox.formatting import (
    FORMATS,
    bound,
    check_percent,
    formatted_text,
    is_unbound_format,
    unbound,
)
from tmplmon.sandbox.limits import MAX_SIZE, Sizes
from tmplmon.sandbox.measure import check_nesting
from tmplmon.sandbox.names import (
    checked_names,
    is_closed,
    is_internal_attribute,
    modifies_known_mutable,
    modifying_names,
)
from tmplmon.sandbox.template import SandboxedTemplate
from tmplmon.template import Template

_ITEM_ERRORS = (AttributeError, TypeError, LookupError)


def decides_by_name(checked: Callable[[], frozenset[str]]) -> Callable[[Any], Any]:
    """Mark an `is_safe_attribute` as one that allows every name without an underscore in front, except those that
    `checked` gives, for which it looks at the object."""

    def mark(method: Any) -> Any:
        method.tmplmon_checked = checked
        return method

    return mark


class SandboxedEnvironment(Environment):
    """An environment for templates that are not trusted. The arguments are those of `Environment`; the back end is
    always the one that makes no code.

    max_size: the most characters or items of a value that a template makes.
    limits: what a rendering may spend.

    A template that does what it may not raises SecurityError. Others of its mistakes raise other exceptions, so
    who renders it has to expect any.
    """

    sandboxed = True
    template_class: type[Template] = SandboxedTemplate

    default_binop_table: ClassVar[dict[str, Callable[[Any, Any], Any]]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "**": operator.pow,
        "%": operator.mod,
    }
    """What `call_binop` does for each operator. Each environment has a copy, `binop_table`."""

    default_unop_table: ClassVar[dict[str, Callable[[Any], Any]]] = {"+": operator.pos, "-": operator.neg}
    """What `call_unop` does for each operator. Each environment has a copy, `unop_table`."""

    intercepted_binops: frozenset[str] = frozenset()
    """Operators with two operands that are done by `call_binop`."""

    intercepted_unops: frozenset[str] = frozenset()
    """Operators with one operand that are done by `call_unop`."""

    def __init__(
        self, *args: Any, max_size: int = MAX_SIZE, limits: BudgetLimits | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("backend", "closures")
        self.limits = limits
        self._sizes = Sizes(max_size)
        self._stock_filters = limited_filters(self._sizes)
        super().__init__(*args, **kwargs)
        self.globals.update(limited_globals(self._sizes))
        self.tests.update(limited_tests(self._sizes))
        self.binop_table: dict[str, Callable[[Any, Any], Any]] = {
            **self.default_binop_table,
            **{
                name: partial(function, None)
                for name, function in self._sizes.operators.items()
                if self.default_binop_table[name] is SandboxedEnvironment.default_binop_table[name]
            },
        }
        self.unop_table = self.default_unop_table.copy()

    def _settle(self, cache_size: int) -> None:
        super()._settle(cache_size)
        concat = self.concat
        self.concat = self._sizes.concat if concat is Environment.concat else self._measuring(concat)

    def _check_options(self) -> None:
        super()._check_options()
        if self.backend != "closures":
            raise ValueError(
                "a sandboxed environment has the back end 'closures': its templates must not be code"
            )

    def _measuring(self, concat: Callable[[Iterable[Any]], Any]) -> Callable[[Iterable[Any]], Any]:
        """A function that joins the output in a way of its own, with the output measured first."""

        def measuring(pieces: Iterable[Any]) -> Any:
            pieces = list(pieces)
            if len(pieces) > 1:
                self._sizes.texts(pieces, 0, "the text")
            return concat(pieces)

        return measuring

    def budget(self, **limits: Any) -> Budget:
        """A budget for renderings that are to have other limits than the environment's, that another thread may
        cancel, or of which one wants to know what they have spent. It is used in a ``with``.

        limits: those that differ, by their names: `fuel`, `output`, `seconds`, `depth`.
        """
        return Budget(self.limits, **limits)

    # --- decisions -----------------------------------------------------------------------------------------

    @decides_by_name(checked_names)
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether templates get an attribute. A subclass may decide otherwise; it is asked each time then.

        obj: what the attribute is of. attr: its name. value: what it is.
        """
        return not (attr.startswith("_") or is_internal_attribute(obj, attr))

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether templates may call a value: unless it is marked with `unsafe`, or as `alters_data`."""
        return not is_marked_unsafe(obj)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """What templates get in the place of an attribute they must not have. Its use raises SecurityError."""
        return self.undefined(
            f"access to attribute {attribute!r} of {type(obj).__name__!r} object is unsafe.",
            name=attribute,
            obj=obj,
            exc=SecurityError,
        )

    # --- other templates -----------------------------------------------------------------------------------

    def get_template(
        self, name: Name, parent: str | None = None, globals: MutableMapping[str, Any] | None = None
    ) -> Template:
        """As `Environment.get_template`. Raises SecurityError for a template that is not sandboxed itself."""
        return _sandboxed(super().get_template(name, parent, globals))

    def select_template(
        self,
        names: Iterable[Name],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """As `Environment.select_template`, with the same exception."""
        return _sandboxed(super().select_template(names, parent, globals))

    def get_or_select_template(
        self,
        template_name_or_list: Name | Iterable[Name],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """As `Environment.get_or_select_template`, with the same exception."""
        return _sandboxed(super().get_or_select_template(template_name_or_list, parent, globals))

    # --- attributes, items, calls --------------------------------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute` in a template: the attribute if it is safe, else the item, else undefined."""
        try:
            value = getattr(obj, attribute)
        except AttributeError:
            try:
                return self._item(obj, attribute)
            except _ITEM_ERRORS:
                return self.undefined(obj=obj, name=attribute)
        return self._attribute(obj, attribute, value)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]` in a template: the item, else for a name the attribute if it is safe, else undefined."""
        try:
            return self._item(obj, argument)
        except _ITEM_ERRORS:
            return self._no_item(obj, argument)

    def _item(self, obj: Any, key: Any) -> Any:
        item = obj[key]
        return self.unsafe_undefined(obj, key) if type(item) is GenericAlias else item

    def _no_item(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, str):
            try:
                name = str(argument)
            except Exception:
                pass
            else:
                try:
                    value = getattr(obj, name)
                except AttributeError:
                    pass
                else:
                    return self._attribute(obj, name, value)
        return self.undefined(obj=obj, name=argument)

    def _attribute(self, obj: Any, name: str, value: Any) -> Any:
        """An attribute that was looked up, as templates get it."""
        made = self.wrap_str_format(value)
        if made is not None:
            return made
        if is_unbound_format(value) or (name in FORMATS and isinstance(obj, type) and issubclass(obj, str)):
            return unbound(self, value.__name__)
        return value if self.is_safe_attribute(obj, name, value) else self.unsafe_undefined(obj, name)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The function that does what a method `str.format` or `str.format_map` does, with fields looked up by this
        environment; None for any other value."""
        text = formatted_text(value)
        return None if text is None else bound(self, text, value.__name__)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call `obj` as a template does, if that is safe. Raises SecurityError if it is not."""
        return __self._calls().call(__context, __obj, *args, **kwargs)

    _call = call

    def _calls(self) -> Calls:
        return Calls(self, self._is_stock("is_safe_callable"))

    # --- operators -----------------------------------------------------------------------------------------

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Do one of the `intercepted_binops`."""
        return self.binop_table[operator](left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Do one of the `intercepted_unops`."""
        return self.unop_table[operator](arg)

    def _formatted(self, text: str, variables: dict[str, Any]) -> str:
        check_percent(self._sizes, text, variables)
        return super()._formatted(text, variables)

    # --- what trees are built with -------------------------------------------------------------------------

    def _guard(self) -> Guard:
        calls = self._calls()
        stock_call, stock_getitem = self._is_stock("call"), self._is_stock("getitem")
        operators: dict[str, Callable[[Any, Any, Any], Any]] = {
            **self._sizes.operators,
            **{name: self._binary(name) for name in self.intercepted_binops},
        }
        checked = getattr(self.is_safe_attribute, "tmplmon_checked", None)
        if not (stock_getitem and self._is_stock("getattr") and self._is_stock("wrap_str_format")):
            checked = None
        return Guard(
            checked=None if checked is None else checked(),
            is_closed=is_closed,
            getattr=self.getattr,
            no_item=self._no_item if stock_getitem else None,
            call=calls.call if stock_call else self.call,
            callee=calls.callee if stock_call else None,
            asks_of_macros=not (stock_call and self._is_stock("is_safe_callable")),
            binary=operators,
            unary={name: self._unary(name) for name in self.intercepted_unops},
            comparing=self._sizes.compared,
            text=self._sizes.as_text,
            build=check_nesting,
            no_alias=self.unsafe_undefined,
        )

    def _is_stock(self, name: str) -> bool:
        """Whether a method is the one of this class, and not of a subclass or the object itself."""
        return getattr(getattr(self, name), "__func__", None) is SandboxedEnvironment.__dict__[name]

    def _binary(self, name: str) -> Callable[[Context, Any, Any], Any]:
        return lambda context, left, right: self.call_binop(context, name, left, right)

    def _unary(self, name: str) -> Callable[[Context, Any], Any]:
        return lambda context, operand: self.call_unop(context, name, operand)


def _sandboxed(template: Template) -> Template:
    if not isinstance(template.environment, SandboxedEnvironment):
        raise SecurityError(f"{template!r} is not of a sandboxed environment")
    return template


class ImmutableSandboxedEnvironment(SandboxedEnvironment):
    """A sandboxed environment whose templates cannot modify the lists, dicts, sets and deques they are given."""

    @decides_by_name(lambda: checked_names() | modifying_names())
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether templates get an attribute: not a method that modifies."""
        return super().is_safe_attribute(obj, attr, value) and not modifies_known_mutable(obj, attr)
