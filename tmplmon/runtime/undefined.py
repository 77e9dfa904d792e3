"""Undefined values: the values of names, attributes and items that do not exist.

Rule: a look-up never raises. It returns an undefined value, which stores the object and the name. Each kind of
undefined value allows some operations and raises UndefinedError for all others. The message is created only then,
because most undefined values are never reported.

    kind         print     iterate, len, bool   compare   attribute, item   anything else
    Undefined    ''        empty, 0, False      by type   error             error
    Chainable    ''        empty, 0, False      by type   itself            error
    Debug        {{ … }}   empty, 0, False      by type   error             error
    Strict       error     error                error     error             error

A missing attribute with two underscores at both ends raises AttributeError for every kind, because Python looks for
such attributes (`copy`, `pickle`, `hasattr(value, "__html__")`).
"""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from tmplmon.errors import TemplateRuntimeError, UndefinedError

if TYPE_CHECKING:
    import logging


class _Missing:
    """The type of `missing`. Copying and unpickling return the only instance."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "missing"

    def __reduce__(self) -> str:
        return "missing"


missing: Any = _Missing()
"""Means "no value" where None is a value."""

_NOTHING: tuple[Any, ...] = ()


def object_type_repr(obj: Any) -> str:
    """Return the type of `obj` for an error message: `str object`, `shop.models.Cart object`, `None`."""
    if obj is None or obj is Ellipsis:
        return repr(obj)
    cls = type(obj)
    prefix = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return f"{prefix}{cls.__name__} object"


class Undefined:
    """The default kind of undefined value: prints as an empty text, is an empty iterable, is false. All other
    operations raise UndefinedError.

    hint: the complete error message; None for one that is created from `obj` and `name`.
    obj: the object without that attribute or item; `missing` for a name that the template does not have.
    name: the name, attribute or key.
    exc: the exception to raise in place of UndefinedError.
    """

    __slots__ = (
        "_undefined_cause",
        "_undefined_exception",
        "_undefined_hint",
        "_undefined_name",
        "_undefined_obj",
    )

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: Any = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        self._undefined_hint = hint
        self._undefined_obj = obj
        self._undefined_name = name
        self._undefined_exception = exc
        # An AttributeError that was raised by the code of an existing property.
        self._undefined_cause: AttributeError | None = None

    @property
    def _undefined_message(self) -> str:
        """The message for an error about this value."""
        if self._undefined_hint:
            return self._undefined_hint
        name = self._undefined_name
        if self._undefined_obj is missing:
            return f"{name!r} is undefined"
        owner = object_type_repr(self._undefined_obj)
        if isinstance(name, str):
            return f"{owner!r} has no attribute {name!r}"
        return f"{owner} has no element {name!r}"

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise the error for an operation that this kind does not allow."""
        error = self._undefined_exception(self._undefined_message)
        cause = self._undefined_cause
        if cause is None:
            if (hint := _habit(self)) is not None:
                error.add_note(hint)
            raise error
        error.add_note(_described(self._undefined_name, cause))
        raise error from cause

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__" and name[-2:] == "__":
            raise AttributeError(name)
        self._fail_with_undefined_error()

    __call__ = __getitem__ = _fail_with_undefined_error
    __add__ = __radd__ = __sub__ = __rsub__ = _fail_with_undefined_error
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _fail_with_undefined_error
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail_with_undefined_error
    __pow__ = __rpow__ = __pos__ = __neg__ = _fail_with_undefined_error
    __lt__ = __le__ = __gt__ = __ge__ = _fail_with_undefined_error
    __int__ = __float__ = __complex__ = _fail_with_undefined_error

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __ne__(self, other: object) -> bool:
        # Calls `__eq__`, so that a subclass needs to override only that.
        return not self.__eq__(other)

    def __hash__(self) -> int:
        # All values of one kind are equal, so they must have the same hash.
        return id(type(self))

    def __str__(self) -> str:
        return ""

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        yield from _NOTHING

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in _NOTHING:
            yield item

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "Undefined"


HABITS = {
    "abs": "use the filter abs",
    "all": "use the filter select or a loop",
    "any": "use the filter select or a loop",
    "enumerate": "use loop.index0 or loop.index in a loop",
    "filter": "use the filter select",
    "float": "use the filter float",
    "int": "use the filter int",
    "isinstance": "use a test, such as 'is string' or 'is mapping'",
    "len": "use the filter length",
    "list": "use the filter list",
    "map": "use the filter map",
    "max": "use the filter max",
    "min": "use the filter min",
    "nil": "write none",
    "null": "write none",
    "print": "write an output, as in {{ x }}",
    "reversed": "use the filter reverse",
    "round": "use the filter round",
    "sorted": "use the filter sort",
    "str": "use the filter string",
    "sum": "use the filter sum",
    "this": "write the name of the variable",
    "tuple": "use the filter list",
    "undefined": "use the test 'is undefined', or write none",
}
"""Names that a template has in other languages, and functions of Python → what to write here."""

LOOP_HABITS = {
    "count": "length",
    "counter": "index",
    "counter0": "index0",
    "even": "index0 is even",
    "isFirst": "first",
    "isLast": "last",
    "iteration": "index",
    "key": "index0",
    "next": "nextitem",
    "odd": "index0 is odd",
    "prev": "previtem",
    "previous": "previtem",
    "revcounter": "revindex",
    "revcounter0": "revindex0",
    "size": "length",
}
"""Attributes of a loop in other languages → those of `loop`."""


def _habit(undefined: Undefined) -> str | None:
    """A hint for a name of another language."""
    owner, name = undefined._undefined_obj, undefined._undefined_name
    if undefined._undefined_hint or not isinstance(name, str):
        return None
    if owner is missing:
        return HABITS.get(name)
    if type(owner).__module__ != "tmplmon.runtime.loop":  # which imports this module
        return None
    if name in ("parent", "parentloop"):
        return "name the outer loop in its body, as in {% set outer = loop %}"
    return f"write loop.{LOOP_HABITS[name]}" if name in LOOP_HABITS else None


def undefined_attribute(environment: Any, obj: Any, attribute: str, name: Any, error: AttributeError) -> Any:
    """The undefined value for `name` of an object whose `attribute` raised `error`.

    If the class of the object defines the attribute and the error comes from the code of it, a property's for
    instance, the value keeps the error as the cause of errors about itself.
    """
    undefined = environment.undefined(obj=obj, name=name)
    # The first entry of the traceback is the engine's own.
    if (traceback := error.__traceback__) is not None and traceback.tb_next is not None:
        defined = any(attribute in vars(cls) for cls in type(obj).__mro__)
        if defined and isinstance(undefined, Undefined):
            undefined._undefined_cause = error
    return undefined


def _described(name: Any, cause: AttributeError) -> str:
    traceback = cause.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    place = "" if traceback is None else f" at {traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
    return f"The attribute {name!r} exists, but its code raised an AttributeError{place}: {cause}"


class ChainableUndefined(Undefined):
    """Like `Undefined`, but its attributes and items are the value itself: `a.b.c` is undefined if `a` is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)

    def __getattr__(self, name: str) -> "ChainableUndefined":
        if name[:2] == "__" and name[-2:] == "__":
            raise AttributeError(name)
        return self

    def __getitem__(self, _name: Any) -> "ChainableUndefined":  # type: ignore[override]
        return self


class DebugUndefined(Undefined):
    """Like `Undefined`, but prints as the undefined expression: `{{ name }}`."""

    __slots__ = ()

    def __str__(self) -> str:
        if self._undefined_hint:
            shown = f"undefined value printed: {self._undefined_hint}"
        elif self._undefined_obj is missing:
            shown = self._undefined_name
        else:
            owner = object_type_repr(self._undefined_obj)
            shown = f"no such element: {owner}[{self._undefined_name!r}]"
        return f"{{{{ {shown} }}}}"


class StrictUndefined(Undefined):
    """Raises UndefinedError for all operations, including printing and comparison. Only the test `defined` and the
    filter `default` accept it."""

    __slots__ = ()

    __iter__ = __str__ = __len__ = __bool__ = Undefined._fail_with_undefined_error
    __eq__ = __ne__ = __hash__ = __contains__ = Undefined._fail_with_undefined_error


def make_logging_undefined(
    logger: "logging.Logger | None" = None, base: type[Undefined] = Undefined
) -> type[Undefined]:
    """Return a subclass of `base` that logs its uses.

    Printing, iterating and testing for truth log a warning. An operation that raises logs an error first.

    logger: the logger; by default that of this module, with a handler that writes to standard error.
    base: the kind of undefined value to extend.
    """
    if logger is None:
        import logging

        logger = logging.getLogger(__name__)
        logger.addHandler(logging.StreamHandler(sys.stderr))
    log = logger

    def warn(undefined: Undefined) -> None:
        log.warning("Template variable warning: %s", undefined._undefined_message)

    class LoggingUndefined(base):  # type: ignore[valid-type, misc]
        __slots__ = ()

        def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> Any:
            try:
                super()._fail_with_undefined_error(*args, **kwargs)
            except self._undefined_exception as error:
                log.error("Template variable error: %s", error)
                raise error

        def __str__(self) -> str:
            warn(self)
            return super().__str__()  # type: ignore[no-any-return]

        def __iter__(self) -> Iterator[Any]:
            warn(self)
            return super().__iter__()  # type: ignore[no-any-return]

        def __bool__(self) -> bool:
            warn(self)
            return super().__bool__()  # type: ignore[no-any-return]

    return LoggingUndefined


def is_undefined(obj: Any) -> bool:
    """Whether `obj` is an undefined value of any kind."""
    return isinstance(obj, Undefined)
