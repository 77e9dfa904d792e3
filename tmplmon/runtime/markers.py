"""Markers: attributes of functions that say how the engine must call them.

Rule: the attributes have Jinja2's names. `jinja_pass_arg` is a marker whose `name` is 'context', 'eval_context'
or 'environment': the first argument that the function asks for. Markers are compared by that name, so functions
that were marked with Jinja2's own decorators work unchanged. `jinja_async_variant` says that the result is
awaitable in an asynchronous environment, and therefore cannot be computed at compile time.

A third attribute is the engine's own. A method marked `inlinable` is the stock implementation of something that a
subclass can replace (`Environment.getitem`, `call_test` …). Compiled code may do what the stock method does without
calling it. A subclass's own method has no marker and is called.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import CoroutineType, GeneratorType
from typing import Any

# `inspect.CO_ITERABLE_COROUTINE`. Importing inspect takes longer than importing the whole runtime.
_CO_ITERABLE_COROUTINE = 0x100


class PassArg:
    """A marker. `name` is the kind of first argument that a function asks for."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<pass {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _marker, (self.name,)


_MARKERS = {name: PassArg(name) for name in ("context", "eval_context", "environment")}


def _marker(name: str) -> PassArg:
    """Return the only marker of this name. Unpickling calls it."""
    return _MARKERS[name]


def pass_context[F: Callable[..., Any]](f: F) -> F:
    """Decorator: the engine passes the template's `Context` as the first argument of the function, filter or
    test."""
    f.jinja_pass_arg = _MARKERS["context"]  # type: ignore[attr-defined]
    return f


def pass_eval_context[F: Callable[..., Any]](f: F) -> F:
    """Decorator: the engine passes the `EvalContext` (`autoescape`, `environment`) as the first argument."""
    f.jinja_pass_arg = _MARKERS["eval_context"]  # type: ignore[attr-defined]
    return f


def pass_environment[F: Callable[..., Any]](f: F) -> F:
    """Decorator: the engine passes the `Environment` as the first argument of the function, filter or test."""
    f.jinja_pass_arg = _MARKERS["environment"]  # type: ignore[attr-defined]
    return f


def pass_arg_of(func: Any) -> str | None:
    """Return the kind of first argument that `func` asks for: 'context', 'eval_context', 'environment' or None."""
    marker = getattr(func, "jinja_pass_arg", None)
    if marker is None:
        return None
    name = getattr(marker, "name", None)
    # An object that has every attribute, such as a mock or a proxy, has a name that is not one of these.
    return name if type(name) is str and name in _MARKERS else None


def first_argument(context: Any, kind: str) -> Any:
    """Return the argument for a function that asks for `kind` (see `pass_arg_of`) in a rendering with `context`."""
    if kind == "context":
        return context
    return context.eval_ctx if kind == "eval_context" else context.environment


def inlinable[F: Callable[..., Any]](f: F) -> F:
    """Decorator: the method is the stock implementation, which compiled code may inline."""
    f.tmplmon_inlinable = True  # type: ignore[attr-defined]
    return f


def is_inlinable(method: Any) -> bool:
    """Whether `method`, bound or not, is a stock implementation."""
    return getattr(method, "tmplmon_inlinable", False) is True


def async_aware[F: Callable[..., Any]](f: F) -> F:
    """Decorator: the function returns an awaitable or an asynchronous iterator if its environment `is_async`."""
    f.jinja_async_variant = True  # type: ignore[attr-defined]
    return f


def async_variant(
    sync: Callable[..., Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator for the asynchronous variant of the function `sync`: `@async_variant(sync)` above the `async def`.

    The result calls one or the other. Which one, the `is_async` of the environment decides, which is the first
    argument or belongs to it. If `sync` asks for no first argument, the result asks for the evaluation context and
    does not pass it on.
    """
    kind = pass_arg_of(sync)

    def join(variant: Callable[..., Any]) -> Callable[..., Any]:
        def both(*args: Any, **kwargs: Any) -> Any:
            first = args[0]
            is_async = first.is_async if kind == "environment" else first.environment.is_async
            if kind is None:
                args = args[1:]
            return variant(*args, **kwargs) if is_async else sync(*args, **kwargs)

        both.__module__ = variant.__module__
        both.__name__ = variant.__name__
        both.__qualname__ = variant.__qualname__
        both.__doc__ = sync.__doc__
        both.__dict__.update(sync.__dict__)
        both.__wrapped__ = sync  # type: ignore[attr-defined]
        return async_aware(pass_eval_context(both) if kind is None else both)

    return join


def collecting(f: Callable[..., Any], collect: Callable[[Any], Awaitable[list[Any]]]) -> Callable[..., Any]:
    """A filter for asynchronous environments that may be applied to an asynchronous iterable, too, of which
    `collect` makes a list then. `f` takes a list."""
    position = 0 if pass_arg_of(f) is None else 1

    async def apply_later(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        items = await collect(args[position])
        return f(*args[:position], items, *args[position + 1 :], **kwargs)

    def apply(*args: Any, **kwargs: Any) -> Any:
        value = args[position]
        if hasattr(value, "__aiter__") and not hasattr(value, "__iter__"):
            return apply_later(args, kwargs)
        return f(*args, **kwargs)

    return apply


# Values of these exact types are not awaitable.
_NEVER_AWAITABLE = frozenset({str, int, float, bool, type(None), list, dict, tuple})


def is_awaitable(value: Any) -> bool:
    """Whether `await value` is possible. Does what `inspect.isawaitable` does."""
    return (
        isinstance(value, CoroutineType)
        or (isinstance(value, GeneratorType) and bool(value.gi_code.co_flags & _CO_ITERABLE_COROUTINE))
        or isinstance(value, Awaitable)
    )


async def auto_await(value: Any) -> Any:
    """Await `value` if it is awaitable, and return the result; return any other value as it is."""
    if type(value) in _NEVER_AWAITABLE or not is_awaitable(value):
        return value
    return await value


class _AsyncIterator:
    """An asynchronous iterator over the items of an ordinary one."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator

    def __aiter__(self) -> "_AsyncIterator":
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self._iterator)
        except StopIteration as stop:
            raise StopAsyncIteration(stop.value) from stop


def auto_aiter(iterable: Any) -> AsyncIterator[Any]:
    """Return an asynchronous iterator over an ordinary or asynchronous iterable. Raises TypeError if it is
    neither."""
    if hasattr(iterable, "__aiter__"):
        return iterable.__aiter__()  # type: ignore[no-any-return]
    return _AsyncIterator(iter(iterable))


async def auto_to_list(iterable: Any) -> list[Any]:
    """Return the items of an ordinary or asynchronous iterable as a list. Raises TypeError if it is neither."""
    if hasattr(iterable, "__aiter__"):
        return [item async for item in iterable]
    return list(iter(iterable))  # without asking for its length, as in Jinja2
