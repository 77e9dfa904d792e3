"""Makes the same call on both sides, tmplmon's and Jinja2's, and describes the outcome for a comparison.

Some values depend on the side (an undefined value has the side's class), and some can be used once only (a
generator). So values are functions that create a new value for a `Side`.
"""

import asyncio
import inspect
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any

import jinja2
import jinja2.runtime
from markupsafe import Markup

import tmplmon.runtime.undefined
from tmplmon.errors import TemplateRuntimeError
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.globals import DEFAULT_POLICIES
from tmplmon.runtime.markers import inlinable, pass_arg_of
from tmplmon.runtime.tests import TESTS
from tmplmon.runtime.undefined import Undefined

type Make = Callable[["Side"], Any]


class EvalContext:
    def __init__(self, environment: "Environment") -> None:
        self.environment = environment
        self.autoescape = environment.autoescape
        self.volatile = False


class Context:
    def __init__(self, environment: "Environment") -> None:
        self.environment = environment
        self.eval_ctx = EvalContext(environment)


class Environment:
    """The parts of an environment that filters use, as Jinja's documentation describes them."""

    newline_sequence = "\n"

    def __init__(
        self, autoescape: bool = False, enable_async: bool = False, undefined: type[Undefined] = Undefined
    ) -> None:
        self.autoescape = autoescape
        self.is_async = enable_async
        self.undefined = undefined
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)
        self.policies = dict(DEFAULT_POLICIES)

    @inlinable
    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            if isinstance(argument, str):
                try:
                    return getattr(obj, str(argument))
                except AttributeError:
                    pass
            return self.undefined(obj=obj, name=argument)

    @inlinable
    def getattr(self, obj: Any, attribute: str) -> Any:
        try:
            return getattr(obj, attribute)
        except AttributeError:
            pass
        try:
            return obj[attribute]
        except (TypeError, LookupError, AttributeError):
            return self.undefined(obj=obj, name=attribute)

    def _call(
        self, table: dict[str, Any], name: Any, value: Any, args: Any, kwargs: Any, context: Any
    ) -> Any:
        func = table.get(name)
        if func is None:
            raise TemplateRuntimeError(f"there is no {name!r}")
        wants = pass_arg_of(func)
        first = {"context": context, "eval_context": context.eval_ctx, "environment": self}
        return func(*([first[wants]] if wants else []), value, *args, **kwargs)

    @inlinable
    def call_filter(self, name: Any, value: Any, args: Any, kwargs: Any, context: Any) -> Any:
        return self._call(self.filters, name, value, args, kwargs, context)

    @inlinable
    def call_test(self, name: Any, value: Any, args: Any, kwargs: Any, context: Any) -> Any:
        return self._call(self.tests, name, value, args, kwargs, context)


class OwnLookups(Environment):
    """Overrides all methods that filters otherwise inline."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        return super().getitem(obj, argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return super().getattr(obj, attribute)

    def call_filter(self, name: Any, value: Any, args: Any, kwargs: Any, context: Any) -> Any:
        return super().call_filter(name, value, args, kwargs, context)

    def call_test(self, name: Any, value: Any, args: Any, kwargs: Any, context: Any) -> Any:
        return super().call_test(name, value, args, kwargs, context)


@dataclass
class Side:
    """One engine: its environment, a context, and the module of its undefined values."""

    environment: Any
    context: Any
    undefined: ModuleType

    def call(self, kind: str, name: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the filter or test `name`."""
        call = self.environment.call_filter if kind == "filter" else self.environment.call_test
        return call(name, value, args, kwargs, context=self.context)


def ours(environment: type[Environment] = Environment, **options: Any) -> Side:
    env = environment(**options)
    return Side(env, Context(env), tmplmon.runtime.undefined)


def jinjas(**options: Any) -> Side:
    env = jinja2.Environment(**options)
    return Side(env, env.from_string("").new_context(), jinja2.runtime)


class Text(str):
    """A text whose `__str__` returns another text."""

    def __str__(self) -> str:
        return "shown"


class MoreMarkup(Markup):
    """A subclass of Markup, as of an application."""


class Html:
    """Has `__html__`, and a different `__str__`."""

    def __html__(self) -> str:
        return "<i>html</i>"

    def __str__(self) -> str:
        return "<str>"

    __repr__ = __str__


class Shown:
    """Has only `__str__`."""

    def __str__(self) -> str:
        return "shown <b>"

    __repr__ = __str__


class User:
    """Has attributes, a property that raises, and a method."""

    kind = "User"

    def __init__(self, name: Any, age: Any = 30, **more: Any) -> None:
        self.name = name
        self.age = age
        self.__dict__.update(more)

    @property
    def broken(self) -> str:
        raise AttributeError("inside a property")

    @property
    def failing(self) -> str:
        raise RuntimeError("inside a property")

    def greet(self) -> str:
        return f"Hello {self.name}"

    def __repr__(self) -> str:
        return f"<User {self.name}>"


class Both:
    """Has an attribute and an item of the same name."""

    name = "attribute"

    def __getitem__(self, key: Any) -> str:
        if key == "name":
            return "item"
        raise KeyError(key)

    def __repr__(self) -> str:
        return "<Both>"


class Dynamic:
    """Has all attributes whose name begins with `n`."""

    def __getattr__(self, name: str) -> str:
        if name.startswith("n"):
            return f"dynamic {name}"
        raise AttributeError(name)

    def __repr__(self) -> str:
        return "<Dynamic>"


class Once:
    """An iterator, which can be used once only. Its repr has no address."""

    def __init__(self, *items: Any) -> None:
        self.items = deque(items)

    def __iter__(self) -> "Once":
        return self

    def __next__(self) -> Any:
        if not self.items:
            raise StopIteration
        return self.items.popleft()

    def __repr__(self) -> str:
        return "<once>"


class AsyncOnce:
    """An asynchronous iterator that suspends between the items."""

    def __init__(self, *items: Any) -> None:
        self.items = deque(items)

    def __aiter__(self) -> "AsyncOnce":
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(0)
        if not self.items:
            raise StopAsyncIteration
        return self.items.popleft()

    def __repr__(self) -> str:
        return "<async once>"


def users() -> list[Any]:
    return [
        User("Cleo", 31, city="Oslo", rank=2.5),
        User("adam", 27, city="bergen", rank=1.0),
        User("Bea", 31, city="Bergen", rank=2.5),
        User("adam", 4, rank=0.0),
    ]


def rows() -> list[Any]:
    return [
        {"name": "Cleo", "age": 31, "home": {"city": "Oslo"}, "tags": ["b", "a"]},
        {"name": "adam", "age": 27, "home": {"city": "bergen"}, "tags": ["a"]},
        {"name": "Bea", "age": 31, "home": {"city": "Bergen"}, "tags": []},
        {"name": "dora", "age": 0, "home": {}},
    ]


VALUES: dict[str, Make] = {
    "empty": lambda side: "",
    "text": lambda side: "Hello big-blue (world) don't [stop] <now>",
    "spaces": lambda side: " \t padded\u00a0text \n ",
    "unicode": lambda side: "ünï-straße ǆunGLA ΑΣ ΣΑΣ ﬁn İI ῼ",
    "html": lambda side: """<p class="a">x &amp; 'y' <!-- no --> &lt; <br/></p> 5 < 6""",
    "entities": lambda side: "a &amp; b &lt;i&gt; &hearts;  c",
    "lines": lambda side: "one\n\n  two\r\nthree\x0bfour\u2028five\n\n",
    "long text": lambda side: "a few short words and-one-hyphenated averyveryverylongword " * 4,
    "int text": lambda side: "42",
    "float text": lambda side: "-42.75",
    "hex text": lambda side: "0x1F",
    "huge text": lambda side: "1e400",
    "url text": lambda side: "see www.example.com, (http://a.b/c_(d)) or me@example.org & more.",
    "format": lambda side: "%s-%d",
    "surrogate": lambda side: "a\ud800b",
    "nul": lambda side: "a\0b",
    "markup": lambda side: Markup("<b>Bold & 'new'</b> is-it\n\nso <i>x</i>"),
    "empty markup": lambda side: Markup(),
    "more markup": lambda side: MoreMarkup("<b>One</b> two\nthree "),
    "own text": lambda side: Text("Raw <TEXT> here"),
    "zero": lambda side: 0,
    "int": lambda side: 1234567,
    "negative": lambda side: -3,
    "true": lambda side: True,
    "big int": lambda side: 10**400,
    "float": lambda side: 2.675,
    "nan": lambda side: float("nan"),
    "inf": lambda side: float("inf"),
    "decimal": lambda side: Decimal("2.675"),
    "fraction": lambda side: Fraction(7, 3),
    "complex": lambda side: 1 + 2j,
    "none": lambda side: None,
    "ellipsis": lambda side: ...,
    "undefined": lambda side: side.undefined.Undefined(name="gone"),
    "undefined attribute": lambda side: side.undefined.Undefined(obj="x", name="gone"),
    "undefined item": lambda side: side.undefined.Undefined(obj=User("a"), name=7),
    "hinted": lambda side: side.undefined.Undefined("a hint"),
    "chainable": lambda side: side.undefined.ChainableUndefined(name="gone"),
    "debug": lambda side: side.undefined.DebugUndefined(name="gone"),
    "strict": lambda side: side.undefined.StrictUndefined(name="gone"),
    "no items": lambda side: [],
    "ints": lambda side: [3, 1, 2, 1],
    "floats": lambda side: [0.1] * 10 + [2, True],
    "nans": lambda side: [2.0, float("nan"), 1.0],
    "texts": lambda side: ["b", "A", "a", "C", "B"],
    "texts with html": lambda side: ["<b>", Markup("<i>"), 3, Html(), None],
    "own texts": lambda side: [Text("<b>"), "a"],
    "mixed": lambda side: [1, "a", None],
    "nones": lambda side: [None, None],
    "pairs": lambda side: [("b", 1), ("a", 2)],
    "lists": lambda side: [[2, 1], [1, 2], []],
    "undefined items": lambda side: [side.undefined.Undefined(name="gone"), 1],
    "strict items": lambda side: ["a", side.undefined.StrictUndefined(name="gone")],
    "tuple": lambda side: ("x", "y", "z"),
    "one": lambda side: ("only",),
    "range": lambda side: range(7),
    "deque": lambda side: deque([2, 1]),
    "set": lambda side: {7},
    "dict": lambda side: {"b": 1, "A": "x", "c": None, "a": ["y"]},
    "mixed dict": lambda side: {1: "a", "b": 2},
    "query": lambda side: {"a b": "c/d", "é": [1], 3: None},
    "attributes": lambda side: {
        "class": "a <b>",
        "id": 3,
        "x": None,
        "y": side.undefined.Undefined(),
        "z": Html(),
    },
    "bad attribute": lambda side: {"ok": 1, "on click": "x"},
    "once": lambda side: Once(3, "a", Markup("<b>")),
    "once empty": lambda side: Once(),
    "once numbers": lambda side: Once(2, 1, 3),
    "async items": lambda side: AsyncOnce(3, 1, 2),
    "async users": lambda side: AsyncOnce(*users()),
    "no async items": lambda side: AsyncOnce(),
    "once texts": lambda side: Once("b", "A", "a"),
    "bytes": lambda side: b"bytes \xc3\xa9",
    "users": lambda side: users(),
    "user": lambda side: User("Cleo"),
    "rows": lambda side: rows(),
    "row": lambda side: rows()[0],
    "both": lambda side: [Both(), {"name": "row"}, User("u"), Dynamic()],
    "both alone": lambda side: Both(),
    "dynamic": lambda side: Dynamic(),
    "html object": lambda side: Html(),
    "shown object": lambda side: Shown(),
    "class": lambda side: User,
    "generic class": lambda side: [list, dict],
    "function": lambda side: len,
}
"""A name for each value → the function that makes it."""


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def describe(value: Any) -> Any:
    """Describe a value by types and texts, including its contents, so that values of both sides can be compared."""
    kind = type(value)
    name = kind.__name__.lstrip("_")
    if isinstance(value, Undefined | jinja2.Undefined):
        return "undefined", name, value._undefined_message
    if isinstance(value, str):
        return name, str.__str__(value)
    if isinstance(value, list | tuple | deque):
        return name, [describe(item) for item in value]
    if isinstance(value, dict):
        return name, [(describe(key), describe(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return name, sorted(map(repr, value))
    if isinstance(value, type) or hasattr(type(value), "__anext__") or hasattr(type(value), "__next__"):
        return name, getattr(value, "__name__", "").lstrip("_") if isinstance(value, type) else ""
    return name, _ADDRESS.sub("", repr(value))


def describe_error(error: Exception) -> Any:
    """The class of an error, and its message if the language defines it."""
    name = type(error).__name__
    return ("error", name, str(error)) if name == "UndefinedError" else ("error", name)


async def _finish(value: Any) -> Any:
    """Await a result. Collect the items of an iterator of any kind, up to its end or its error."""
    if inspect.isawaitable(value):
        value = await value
    is_async = hasattr(value, "__anext__")
    if not is_async and not hasattr(value, "__next__"):
        return describe(value)
    items = []
    end: Any = "end"
    try:
        if is_async:
            async for item in value:
                items.append(describe(item))
        else:
            for item in value:
                items.append(describe(item))
    except Exception as error:
        end = describe_error(error)
    kind = "iterator" if not inspect.isgenerator(value) else "generator"
    return kind if not is_async else "async iterator", items, end


def outcome(call: Callable[[], Any]) -> Any:
    """Make a call, and describe its result or its error."""
    try:
        value = call()
    except Exception as error:
        return describe_error(error)
    finished = _finish(value)
    try:
        if inspect.isawaitable(value) or hasattr(value, "__anext__"):
            return asyncio.run(finished)
        # It never suspends, so one step runs it to its end.
        try:
            finished.send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("a result that is not awaitable waited")
    except Exception as error:
        return describe_error(error)
