"""The sandboxed environments.

Rule: a sandboxed template obtains attributes only through `SandboxedEnvironment.getattr` and `getitem`, and calls
values only through `SandboxedEnvironment.call`. Filters, `str.format` and operators use the same methods. Where the
name of an attribute alone decides, the compiled closures decide without calling these methods (`decides_by_name`).
The methods of a subclass that overrides the decision are called every time.
"""

import operator
import os
from collections.abc import Callable, Iterable, MutableMapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from tmplmon.environment import Environment, Name
from tmplmon.errors import SecurityError, TemplateNotFound, TemplatesNotFound, TooLargeError
from tmplmon.runtime.budget import Budget
from tmplmon.runtime.budget import Limits as BudgetLimits
from tmplmon.runtime.context import Context
from tmplmon.runtime.globals import Namespace
from tmplmon.runtime.guard import Guard
from tmplmon.runtime.support import set_attribute
from tmplmon.runtime.tests import TESTS
from tmplmon.runtime.undefined import Undefined, missing, undefined_attribute
from tmplmon.sandbox.calls import Calls
from tmplmon.sandbox.filters import limited_filters, limited_globals, limited_tests
from tmplmon.sandbox.formatting import (
    FORMATS,
    bound,
    check_percent,
    formatted_text,
    is_unbound_format,
    unbound,
)
from tmplmon.sandbox.hidden import HIDDEN, concealed, module_of, names_of
from tmplmon.sandbox.limits import MAX_SIZE, MAX_SOURCE, MAX_TOKENS, Sizes
from tmplmon.sandbox.measure import CONTAINERS
from tmplmon.sandbox.names import (
    ALIASES,
    INSERTING,
    checked_names,
    has_marked_property,
    is_closed,
    is_internal_attribute,
    is_marked_unsafe,
    modifies_known_mutable,
    modifying_names,
    refuses,
)
from tmplmon.sandbox.spending import check_iteration, check_mapping, clocked, timed
from tmplmon.sandbox.template import SandboxedTemplate
from tmplmon.template import Template

if TYPE_CHECKING:
    from tmplmon.syntax.lexer import Syntax

_ITEM_ERRORS = (AttributeError, TypeError, LookupError)
MAX_LITERAL = 100_000
"""The most characters of output that a native environment evaluates as a literal. Longer output stays a str."""
_STEPS_PER_CHARACTER = 64
_MAX_NAMES = 1000
"""The most names of templates to select one from."""
_MAX_NAME = 4096
"""The longest name of a template. A longer one is no template's."""


def decides_by_name(checked: Callable[[], frozenset[str]]) -> Callable[[Any], Any]:
    """Mark an `is_safe_attribute` method: it allows every name that has no leading underscore, except the names
    that `checked()` returns, for which it inspects the object."""

    def mark(method: Any) -> Any:
        method.tmplmon_checked = checked
        return method

    return mark


class SandboxedEnvironment(Environment):
    """An environment for untrusted templates. It takes the arguments of `Environment`, and its back end is always
    "closures", which generates no code.

    max_size: the largest number of characters or items in a value that a template creates.
    max_source, max_tokens: the most characters and tokens (texts, names, operators, delimiters) of the source of a
        template; None for no limit. Compiling takes time and memory in proportion to them.
    limits: how much one rendering may spend. None: no limits.

    Rendering raises SecurityError if a template does something that is not allowed. Other mistakes in a template
    raise other exceptions, so callers must expect any exception. The constructor raises ValueError for another
    back end.
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
    """The function of `call_binop` for each operator. Each environment has its own copy, `binop_table`."""

    default_unop_table: ClassVar[dict[str, Callable[[Any], Any]]] = {"+": operator.pos, "-": operator.neg}
    """The function of `call_unop` for each operator. Each environment has its own copy, `unop_table`."""

    intercepted_binops: frozenset[str] = frozenset()
    """Binary operators that are evaluated by `call_binop`."""

    intercepted_unops: frozenset[str] = frozenset()
    """Unary operators that are evaluated by `call_unop`."""

    def __init__(
        self,
        *args: Any,
        max_size: int = MAX_SIZE,
        limits: BudgetLimits | None = None,
        max_source: int | None = MAX_SOURCE,
        max_tokens: int | None = MAX_TOKENS,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("backend", "closures")
        self.limits = limits
        self.max_source = max_source
        self.max_tokens = max_tokens
        self._sizes = Sizes(max_size)
        self._stock_filters = limited_filters(self._sizes)
        super().__init__(*args, **kwargs)
        self.globals.update(limited_globals(self._sizes))
        limited = limited_tests(self._sizes)
        self._all_stock_tests = {**TESTS, **limited}
        self.tests.update(limited)
        self.binop_table: dict[str, Callable[[Any, Any], Any]] = {
            **self.default_binop_table,
            **{
                name: partial(function, None)
                for name, function in self._sizes.operators.items()
                if self.default_binop_table[name] is SandboxedEnvironment.default_binop_table[name]
            },
        }
        self.unop_table = self.default_unop_table.copy()

    def _init_per_overlay_state(self, cache_size: int) -> None:
        super()._init_per_overlay_state(cache_size)
        concat = self.concat
        self.concat = self._sizes.concat if concat is Environment.concat else self._measuring(concat)

    def _check_options(self) -> None:
        super()._check_options()
        if self.backend != "closures":
            raise ValueError(
                "a sandboxed environment has the back end 'closures': its templates must not be code"
            )

    @property
    def syntax(self) -> "Syntax":
        """The syntax of `Environment.syntax`, with the limits of this environment."""
        return super().syntax._replace(max_source=self.max_source, max_tokens=self.max_tokens)

    def _measuring(self, concat: Callable[[Iterable[Any]], Any]) -> Callable[[Iterable[Any]], Any]:
        """Wrap a custom function that joins the output: the total length is checked first."""

        def measuring(chunks: Iterable[Any]) -> Any:
            chunks = list(chunks)
            if len(chunks) > 1:
                self._sizes.texts(chunks, 0, "the text")
            if self._native and (len(chunks) > 1 or (chunks and isinstance(chunks[0], str))):
                # Python takes some 500 bytes of memory for each character of a literal.
                text = "".join(map(str, chunks))
                if len(text) > MAX_LITERAL:
                    return text
                self._sizes.paid(_STEPS_PER_CHARACTER * len(text), "the literal")
                chunks = [text]
            return concat(chunks)

        return measuring

    def budget(self, **limits: Any) -> Budget:
        """A budget for renderings with limits other than the environment's, for renderings that another thread may
        cancel, or to learn how much a rendering has spent. Use it as a context manager.

        limits: the limits that differ, by name: `fuel`, `output`, `seconds`, `depth`.

        Raises TypeError for an unknown name or a limit that is not a number, and ValueError for a negative limit.
        """
        return Budget(self.limits, **limits)

    # --- decisions -----------------------------------------------------------------------------------------

    @decides_by_name(checked_names)
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether templates may read an attribute. A subclass may override this; it is then called every time.

        obj: the object. attr: the name of the attribute. value: the value of the attribute.
        """
        return not (attr.startswith("_") or is_internal_attribute(obj, attr))

    def is_safe_callable(self, obj: Any) -> bool:
        """Whether templates may call a value: true unless it is marked by `unsafe` or has a true `alters_data`."""
        return not is_marked_unsafe(obj)

    def unsafe_undefined(self, obj: Any, attribute: Any) -> Undefined:
        """Return the undefined value that replaces an unsafe attribute. Using it raises SecurityError."""
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
        """Like `Environment.get_template`. Raises SecurityError if the template's environment is not sandboxed."""
        if not _is_name(name):
            kind = "a text of this length" if isinstance(name, str) else f"a {type(name).__name__!r} object"
            raise TemplateNotFound(name, f"{kind} cannot be the name of a template")
        return _sandboxed(super().get_template(name, parent, globals))

    def select_template(
        self,
        names: Iterable[Name],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """Like `Environment.select_template`. Raises SecurityError if the template's environment is not
        sandboxed."""
        if not isinstance(names, Undefined):
            tried = list(islice(self._iterable(names), _MAX_NAMES + 1))
            if len(tried) > _MAX_NAMES:
                raise TooLargeError(f"at most {_MAX_NAMES} names of templates to select from")
            names = [name for name in tried if _is_name(name)]
            if tried and not names:
                raise TemplatesNotFound(tried, "none of the values can be the name of a template")
        return _sandboxed(super().select_template(names, parent, globals))

    def get_or_select_template(
        self,
        template_name_or_list: Name | Iterable[Name],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """Like `Environment.get_or_select_template`. Raises SecurityError if the template's environment is not
        sandboxed."""
        if _is_name(template_name_or_list):
            return self.get_template(template_name_or_list, parent, globals)  # type: ignore[arg-type]
        return self.select_template(template_name_or_list, parent, globals)  # type: ignore[arg-type]

    # --- attributes, items, calls --------------------------------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Evaluate `obj.attribute`: the attribute if it is safe, else the item, else an undefined value."""
        if type(obj) in HIDDEN:
            return self._hidden(obj, attribute)
        if has_marked_property(obj, attribute):
            return self.unsafe_undefined(obj, attribute)
        try:
            value = getattr(obj, attribute)
        except AttributeError as error:
            try:
                return self._item(obj, attribute)
            except _ITEM_ERRORS:
                return undefined_attribute(self, obj, attribute, attribute, error)
        return self._attribute(obj, attribute, value)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Evaluate `obj[argument]`: the item, else (for a str) the attribute if it is safe, else an undefined
        value."""
        try:
            return self._item(obj, argument)
        except _ITEM_ERRORS:
            return self._no_item(obj, argument)

    def _item(self, obj: Any, key: Any) -> Any:
        if type(obj) in HIDDEN:
            return self._hidden(obj, key)
        # Classes have no items (`dict[int]`), unless their metaclass defines some, as an enumeration's does.
        is_class = isinstance(obj, type) and not hasattr(obj.__class__, "__getitem__")
        if is_class or isinstance(obj, ALIASES) or refuses(obj, "__getitem__"):
            return self.unsafe_undefined(obj, key)
        return obj[key]  # pyright: ignore[reportIndexIssue]

    async def _collected(self, iterable: Any) -> list[Any]:
        return await self._sizes.collected_later(iterable)

    def _hidden(self, obj: Any, name: Any) -> Any:
        """Return an attribute of a namespace or of an imported module."""
        try:
            value = obj[name]
        except KeyError:
            return self.undefined(obj=obj, name=name)
        if not isinstance(name, str) or self.is_safe_attribute(obj, name, value):
            return value
        return self.unsafe_undefined(obj, name)

    def _slice(self, obj: Any, part: slice) -> Any:
        if isinstance(obj, (type, *ALIASES)) or refuses(obj, "__getitem__"):
            return self.unsafe_undefined(obj, part)
        return obj[part]

    def _set_attribute(self, namespace: Any, name: str, value: Any) -> None:
        """Do `{% set namespace.name = value %}`. Only a namespace can be larger than all containers in it, which
        have been measured."""
        if isinstance(value, Namespace):
            self._sizes.created((namespace, value))
        set_attribute(namespace, name, value)

    def _iterable(self, value: Any) -> Any:
        """Return a value that a template iterates over. Raises SecurityError if its class forbids that."""
        check_iteration(value)
        return value

    def _no_item(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, CONTAINERS):
            self._sizes.text(argument)  # for the message
        if isinstance(argument, str):
            try:
                name = str(argument)
            except Exception:
                pass
            else:
                if has_marked_property(obj, name):
                    return self.unsafe_undefined(obj, name)
                try:
                    value = getattr(obj, name)
                except AttributeError as error:
                    return undefined_attribute(self, obj, name, argument, error)
                return self._attribute(obj, name, value)
        return self.undefined(obj=obj, name=argument)

    def _items(self, value: Any) -> list[Any]:
        """Return the items of a value, at most `max_size`."""
        if not isinstance(value, Iterable) and not hasattr(type(value), "__getitem__"):
            raise TypeError(f"Value after * must be an iterable, not {type(value).__name__}")
        return self._sizes.collected(self._iterable(value))

    def _attribute(self, obj: Any, name: str, value: Any) -> Any:
        """Return the value that a template gets for an attribute that was found."""
        if not self.is_safe_attribute(obj, name, value):
            return self.unsafe_undefined(obj, name)
        safe_format = self.wrap_str_format(value)
        if safe_format is not None:
            return safe_format
        if is_unbound_format(value) or (name in FORMATS and isinstance(obj, type) and issubclass(obj, str)):
            return unbound(self, value.__name__)
        return value

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Return a safe replacement if `value` is a bound `str.format` or `str.format_map`, else None. The
        replacement looks fields up by the rules of this environment."""
        text = formatted_text(value)
        return None if text is None else bound(self, text, value.__name__)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call `obj` with the arguments, as a template does. Raises SecurityError if `obj` is not safe to call, and
        what `obj` raises."""
        return __self._calls().call(__context, __obj, *args, **kwargs)

    def _callable_filter(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        is_stock = function is self._stock_filters.get(name)
        function = super()._callable_filter(name, function)
        return function if is_stock else clocked(function)

    def _callable_test(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if function is self._all_stock_tests.get(name) else clocked(function)

    def _call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        return __self.call(__context, __obj, *args, **kwargs)

    def _calls(self) -> Calls:
        return Calls(self, self._is_stock("is_safe_callable"), self._is_stock("call"))

    def _imported(self, module: Any) -> Any:
        return concealed(module)

    def _of_module(self, module: Any, name: str) -> Any:
        return module_of(module).__name__ if name == "__name__" else names_of(module).get(name, missing)

    # --- operators -----------------------------------------------------------------------------------------

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Evaluate `left operator right` for an operator in `intercepted_binops`. Raises what the operator
        raises."""
        return self.binop_table[operator](left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:
        """Evaluate `operator arg` for an operator in `intercepted_unops`. Raises what the operator raises."""
        return self.unop_table[operator](arg)

    def _formatted(self, text: str, variables: dict[str, Any]) -> str:
        if not isinstance(text, str):
            raise TypeError(f"a translation is a str, not {type(text).__name__!r}")
        check_percent(self._sizes, text, variables)
        return super()._formatted(text, variables)

    # --- what the closures back end uses -------------------------------------------------------------------

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
            is_closed=self._is_closed,
            getattr=self.getattr,
            getitem=self.getitem,
            items=self._items,
            mapping=check_mapping,
            hashed=self._sizes.hashed,
            timed=timed,
            closed_slice=self._slice,
            closed_iterable=self._iterable,
            no_item=self._no_item if stock_getitem else None,
            call=calls.call if stock_call else self.call,
            callee=calls.callee if stock_call else None,
            asks_of_macros=not (stock_call and self._is_stock("is_safe_callable")),
            binary=operators,
            unary={name: self._unary(name) for name in self.intercepted_unops},
            comparing=self._comparing,
            text=self._sizes.as_text,
            build=self._sizes.created,
            set_attribute=self._set_attribute,
        )

    def _comparing(self, name: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return self._sizes.searched(function) if name in ("in", "not in") else self._sizes.compared(function)

    def _is_all_stock(self) -> bool:
        """Whether no decision about attributes and calls is overridden."""
        names = ("getattr", "getitem", "call", "is_safe_callable", "wrap_str_format")
        return hasattr(self.is_safe_attribute, "tmplmon_checked") and all(map(self._is_stock, names))

    def _is_closed(self, kind: type) -> bool:
        return is_closed(kind)

    def _is_stock(self, name: str) -> bool:
        """Whether the method is the one of this class: not overridden by a subclass or on the instance."""
        return getattr(getattr(self, name), "__func__", None) is SandboxedEnvironment.__dict__[name]

    def _binary(self, name: str) -> Callable[[Context, Any, Any], Any]:
        return lambda context, left, right: self.call_binop(context, name, left, right)

    def _unary(self, name: str) -> Callable[[Context, Any], Any]:
        return lambda context, operand: self.call_unop(context, name, operand)


def _is_name(name: Any) -> bool:
    """Whether a value can be the name of a template, or a template: the loader calls methods of a name."""
    if isinstance(name, str):
        return len(name) <= _MAX_NAME
    return isinstance(name, (os.PathLike, Template, Undefined))


def _sandboxed(template: Template) -> Template:
    if not isinstance(template.environment, SandboxedEnvironment):
        raise SecurityError(f"{template!r} is not of a sandboxed environment")
    return template


class ImmutableSandboxedEnvironment(SandboxedEnvironment):
    """A sandboxed environment whose templates cannot modify lists, dicts, sets, deques and arrays."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sizes.reading = self._reading

    @decides_by_name(lambda: checked_names() | modifying_names())
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether templates may read an attribute. Methods that modify their object are refused. The arguments are
        those of `SandboxedEnvironment.is_safe_attribute`."""
        return super().is_safe_attribute(obj, attr, value) and not modifies_known_mutable(obj, attr)

    def _is_closed(self, kind: type) -> bool:
        return super()._is_closed(kind) or issubclass(kind, INSERTING)

    def _item(self, obj: Any, key: Any) -> Any:
        if isinstance(obj, INSERTING) and key not in obj:
            # `obj[key]` would insert the value.
            factory = getattr(obj, "default_factory", None)
            if factory is None:
                raise KeyError(key)
            return factory()
        return super()._item(obj, key)

    def _reading(self, mapping: Any) -> Any:
        """Return a mapping whose items can be looked up without inserting any."""
        return _Reading(mapping, self._item) if isinstance(mapping, INSERTING) else mapping


class _Reading:
    """A mapping with a function for the lookup of its items."""

    def __init__(self, mapping: Any, item: Callable[[Any, Any], Any]) -> None:
        self._mapping = mapping
        self._item = item

    def __getitem__(self, key: Any) -> Any:
        return self._item(self._mapping, key)
