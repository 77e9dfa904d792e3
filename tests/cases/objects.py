"""The names that a case can use in addition to Python's builtins: a few classes with one property each."""

import builtins
from collections import namedtuple
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from markupsafe import Markup


class User:
    """Has attributes, a property, a method, and properties that raise."""

    def __init__(self, name: str, age: int = 30, **more: Any) -> None:
        self.name = name
        self.age = age
        self.__dict__.update(more)

    @property
    def shout(self) -> str:
        return self.name.upper()

    @property
    def broken(self) -> str:
        raise RuntimeError("property failed")

    @property
    def missing_inside(self) -> str:
        raise AttributeError("raised inside a property")

    def greet(self, greeting: str = "Hello", *, mark: str = "!") -> str:
        return f"{greeting} {self.name}{mark}"

    def __repr__(self) -> str:
        return f"<User {self.name}>"


class Html:
    """Has ``__html__`` and a different ``__str__``."""

    def __html__(self) -> str:
        return "<i>html</i>"

    def __str__(self) -> str:
        return "<str>"


class Both:
    """Has an attribute and an item of the same name."""

    name = "attribute"

    def __getitem__(self, key: str) -> str:
        if isinstance(key, int):
            raise IndexError(key)
        return f"item {key}"


class Items:
    """Has items, but no attributes."""

    def __init__(self, **items: Any) -> None:
        self._items = items

    def __getitem__(self, key: str) -> Any:
        return self._items[key]


class Async:
    """An asynchronous iterable."""

    def __init__(self, *values: Any) -> None:
        self.values = values

    async def __aiter__(self) -> Any:
        for value in self.values:
            yield value


class Counter:
    """Counts its calls. Shows how often an expression is evaluated."""

    def __init__(self) -> None:
        self.n = 0

    def __call__(self, *_: Any) -> int:
        self.n += 1
        return self.n


async def later(value: Any = None) -> Any:
    """A value that is awaited."""
    return value


class Echo(dict[str, str]):
    """A catalog whose translations show the message that is looked up."""

    def get(self, message: str, default: object = None) -> str:  # type: ignore[override]
        return "|".join(f"[{part}]" for part in message.split("|"))


def generator(*values: Any) -> Iterator[Any]:
    """An iterator without a length."""
    yield from values


def failing_generator(*values: Any) -> Iterator[Any]:
    yield from values
    raise RuntimeError("generator failed")


def fail(message: str = "call failed") -> Any:
    raise RuntimeError(message)


Point = namedtuple("Point", "x y")

SHARED = {
    thing.__name__: thing
    for thing in (
        User,
        Html,
        Echo,
        Both,
        Items,
        Async,
        Counter,
        Point,
        Markup,
        generator,
        failing_generator,
        fail,
        later,
    )
}
ENGINE_NAMES = (
    "ChainableUndefined",
    "DebugUndefined",
    "StrictUndefined",
    "Undefined",
    "make_logging_undefined",
    "pass_context",
    "pass_environment",
    "pass_eval_context",
    "select_autoescape",
)


def context_functions(engine: ModuleType) -> dict[str, Callable[..., Any]]:
    """Functions that receive the context, by the decorators of the engine."""

    @engine.pass_context
    def peek(context: Any, name: str) -> Any:
        """The value of a variable in the context that functions receive."""
        return context.get(name, "nothing")

    @engine.pass_context
    def seen(context: Any) -> str:
        """Names and values of all variables that a function with the context sees, without globals."""
        names = sorted(set(context.get_all()) - set(context.environment.globals))
        return " ".join(f"{name}={context.get_all()[name]}" for name in names if not callable(context[name]))

    @engine.pass_context
    def exported(context: Any) -> str:
        return " ".join(sorted(context.exported_vars))

    @engine.pass_eval_context
    def escaping(eval_context: Any, *_: Any) -> str:
        """Whether autoescaping is on where the function is called."""
        return "on" if eval_context.autoescape else "off"

    @engine.pass_environment
    def block_start(environment: Any, *_: Any) -> str:
        return environment.block_start_string

    return {f.__name__: f for f in (peek, seen, exported, escaping, block_start)}


def namespace(engine: ModuleType) -> dict[str, Any]:
    names = {name: getattr(engine, name) for name in ENGINE_NAMES}
    return {"__builtins__": builtins, **SHARED, **names, **context_functions(engine)}
