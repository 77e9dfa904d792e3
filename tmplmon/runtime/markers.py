"""How the engine has to call a function: what it is passed first, and whether its result is awaited.

Rule: a function says so itself, by attributes, under Jinja2's names. `jinja_pass_arg` holds a marker whose
`name` is 'context', 'eval_context' or 'environment'; it is compared by that name, so functions that were
marked with Jinja2's own decorators work unchanged. `jinja_async_variant` says that the result is awaitable in
an environment that is asynchronous, and therefore cannot be computed while compiling.

A third attribute is the engine's own: a method marked `inlinable` is the stock implementation of something a
subclass may replace (`Environment.getitem`, `call_test` …). Code that knows what the stock one does may do it
in place; where a subclass has its own method, the mark is gone and the method is called.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import CoroutineType, GeneratorType
from typing import Any

# What `inspect.CO_ITERABLE_COROUTINE` is; importing inspect for it would cost more than everything else here.
_CO_ITERABLE_COROUTINE = 0x100


class PassArg:
    """A marker: `name` is the kind of argument a function wants first."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<pass {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _marker, (self.name,)


_MARKERS = {name: PassArg(name) for name in ("context", "eval_context", "environment")}


def _marker(name: str) -> PassArg:
    """Give the one marker of this name (what unpickling calls)."""
    return _MARKERS[name]


def pass_context[F: Callable[..., Any]](f: F) -> F:
    """Make the engine pass the template's `Context` as the first argument of a function, filter or test."""
    f.jinja_pass_arg = _MARKERS["context"]  # type: ignore[attr-defined]
    return f


def pass_eval_context[F: Callable[..., Any]](f: F) -> F:
    """Make the engine pass the evaluation context (`autoescape`, `environment`) as the first argument."""
    f.jinja_pass_arg = _MARKERS["eval_context"]  # type: ignore[attr-defined]
    return f


def pass_environment[F: Callable[..., Any]](f: F) -> F:
    """Make the engine pass the `Environment` as the first argument of a function, filter or test."""
    f.jinja_pass_arg = _MARKERS["environment"]  # type: ignore[attr-defined]
    return f


def pass_arg_of(func: Any) -> str | None:
    """Tell what `func` wants first: 'context', 'eval_context', 'environment' or, for most functions, None."""
    marker = getattr(func, "jinja_pass_arg", None)
    if marker is None:
        return None
    name = getattr(marker, "name", None)
    # An object that answers every attribute (a mock, a proxy) gives a name that is no kind of ours.
    return name if type(name) is str and name in _MARKERS else None


def wanted_of(context: Any, wants: str) -> Any:
    """What a function that wants that first is passed, in a rendering with this context."""
    if wants == "context":
        return context
    return context.eval_ctx if wants == "eval_context" else context.environment


def inlinable[F: Callable[..., Any]](f: F) -> F:
    """Mark a method as the stock implementation, which callers may replace by code that does the same."""
    f.tmplmon_inlinable = True  # type: ignore[attr-defined]
    return f


def is_inlinable(method: Any) -> bool:
    """Tell whether `method` (bound or not) is a stock implementation."""
    return getattr(method, "tmplmon_inlinable", False) is True


def async_aware[F: Callable[..., Any]](f: F) -> F:
    """Mark a function that gives an awaitable or an asynchronous iterator if its environment `is_async`."""
    f.jinja_async_variant = True  # type: ignore[attr-defined]
    return f


def async_variant(
    sync: Callable[..., Any],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Join a function and its asynchronous variant: `@async_variant(sync)` above the `async def`.

    The result calls one or the other, by the `is_async` of the environment it is passed (or of the
    environment of the context it is passed). A function that asks for nothing is passed the evaluation
    context for that purpose, and does not see it.
    """
    wants = pass_arg_of(sync)

    def join(variant: Callable[..., Any]) -> Callable[..., Any]:
        def both(*args: Any, **kwargs: Any) -> Any:
            first = args[0]
            is_async = first.is_async if wants == "environment" else first.environment.is_async
            if wants is None:
                args = args[1:]
            return variant(*args, **kwargs) if is_async else sync(*args, **kwargs)

        both.__module__ = variant.__module__
        both.__name__ = variant.__name__
        both.__qualname__ = variant.__qualname__
        both.__doc__ = sync.__doc__
        both.__dict__.update(sync.__dict__)
        both.__wrapped__ = sync  # type: ignore[attr-defined]
        return async_aware(pass_eval_context(both) if wants is None else both)

    return join


# Values of these types are not awaitable, which is known without asking.
_NEVER_AWAITABLE = frozenset({str, int, float, bool, type(None), list, dict, tuple})


def is_awaitable(value: Any) -> bool:
    """Tell whether `await value` is possible, as `inspect.isawaitable` does."""
    return (
        isinstance(value, CoroutineType)
        or (isinstance(value, GeneratorType) and bool(value.gi_code.co_flags & _CO_ITERABLE_COROUTINE))
        or isinstance(value, Awaitable)
    )


async def auto_await(value: Any) -> Any:
    """Await `value` if it is awaitable, else give it back."""
    if type(value) in _NEVER_AWAITABLE or not is_awaitable(value):
        return value
    return await value


class _AsyncIterator:
    """An ordinary iterator seen as an asynchronous one."""

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
    """Give an asynchronous iterator over `iterable`, which may be an ordinary or an asynchronous iterable."""
    if hasattr(iterable, "__aiter__"):
        return iterable.__aiter__()  # type: ignore[no-any-return]
    return _AsyncIterator(iter(iterable))


async def auto_to_list(iterable: Any) -> list[Any]:
    """Collect an ordinary or asynchronous iterable into a list."""
    if hasattr(iterable, "__aiter__"):
        return [item async for item in iterable]
    return list(iterable)
