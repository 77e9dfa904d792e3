"""The variables of fuzzed templates. Everything that a template must not reach contains `SECRET`."""

from array import array
from collections import defaultdict, deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup

from tmplmon import pass_context, pass_environment
from tmplmon.sandbox import unsafe

SECRET = "73829465018273"

called: list[str] = []
"""What was called that must not be."""


class User:
    """An object of an application, with public and private parts."""

    _secret = SECRET
    kinds = ("reader", "<editor>")

    def __init__(self, name: str, **more: Any) -> None:
        self.name = name
        self._password = SECRET
        self.__token = SECRET
        self.__dict__.update(more)

    def greet(self, other: str = "you", *rest: Any, **named: Any) -> str:
        return f"{self.name} greets {other}"

    @unsafe
    def delete(self, *_: Any, **__: Any) -> str:
        called.append("delete")
        return SECRET

    def wipe(self, *_: Any, **__: Any) -> str:
        called.append("wipe")
        return SECRET

    wipe.alters_data = True  # type: ignore[attr-defined]

    @property
    def email(self) -> str:
        return f"{self.name}@example.org"

    @classmethod
    def made(cls, *_: Any) -> str:
        return "made"

    def __len__(self) -> int:
        return len(self.name)

    def __repr__(self) -> str:
        return f"<user {self.name}>"


class Odd:
    """An object whose special methods raise."""

    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)

    def __str__(self) -> str:
        return "{odd} %s"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise StopIteration

    def __eq__(self, other: object) -> bool:
        raise ValueError("not to be compared")

    __hash__ = None  # type: ignore[assignment]


class Attributes(dict[str, Any]):
    """A dict whose items are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def endless(secret: str = SECRET) -> Iterator[int]:
    """An iterator that does not end by itself, but stops the fuzzer from running for ever."""
    yield from range(300_000)


def numbers(secret: str = SECRET) -> Iterator[int]:
    """A generator with a secret in its frame."""
    yield from range(5)


def function(a: Any = 1, *, hidden: str = SECRET) -> Any:
    """A function with a secret in its defaults and globals."""
    return a


async def coroutine(a: Any = 1) -> Any:
    secret = SECRET
    return a if secret else None


@pass_context
def of_context(context: Any, *args: Any) -> Any:
    return context.get("name", "none")


@pass_environment
def of_environment(environment: Any, *args: Any) -> Any:
    return environment.sandboxed


def context(is_async: bool) -> dict[str, Any]:
    """The variables of a rendering, which are created for each one."""
    return {
        "name": "Ada <b>",
        "text": "some words, a <tag> & 'quotes' %s {0} {x.y}\nsecond line http://example.org/ a@b.cd",
        "long": "lorem ipsum " * 300,
        "n": 7,
        "zero": 0,
        "big": 2**64,
        "pi": 3.14159,
        "yes": True,
        "none": None,
        "markup": Markup("<i>{0}</i> %s"),
        "items": [3, 1, 2, "a", None, 2.5],
        "words": ["b", "A", "c<", "ä"],
        "users": [User("ann", age=3), User("bob", age=None), {"name": "cy", "age": 2, "_secret": "x"}],
        "user": User("dora", age=40, friend=User("eve")),
        "odd": Odd(),
        "map": {"a": 1, "b": [1, 2], "items": "own", 3: "three", None: "n", "_k": 0},
        "pairs": [("k", 1), ("l", [2])],
        "nested": {"a": {"b": {"c": [1, {"d": "deep"}]}}},
        "rows": [[1, 2, 3], [4, 5], []],
        "tuple": (1, ("x", [2])),
        "set": {1, 2},
        "queue": deque([1, 2]),
        "gen": numbers(),
        "many": range(50_000),
        "lines": "a\n\tb\r\nc\x00d\u2028e",
        "bytes": b"ab\xff",
        "function": function,
        "coroutine": coroutine if is_async else function,
        "of_context": of_context,
        "of_environment": of_environment,
        "method": User("m").greet,
        "unsafe": User("m").delete,
        "cls": User,
        "space": SimpleNamespace(secret_=1, a=2),
        "error": ValueError("told"),
        "attributes": Attributes(split=User("m").delete, join=User("m").delete, splitlines=User("m").delete),
        "counts": defaultdict(list, a=[1]),
        "numbers": array("i", [1, 2]),
        "endless": endless(),
    }
