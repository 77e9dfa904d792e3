"""Stand-ins for the filters, tests, variables and other templates that an application provides."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jinja2.nodes

MAX_DEPTH = 4  # of attributes, beyond which a stand-in is empty, so that loops over children end
RESERVED = (
    "__",
    "jinja_",
    "tmplmon_",
)  # attributes by which Python and the engines recognize special objects


class Anything:
    """A value on which every operation succeeds.

    It is true, has every attribute and item, can be called, and iterates over two such values.
    """

    __slots__ = ("_depth", "_name")

    def __init__(self, name: str, depth: int = 0) -> None:
        self._name = name
        self._depth = depth

    def __getattr__(self, name: str) -> "Anything":
        if name.startswith(RESERVED):
            raise AttributeError(name)
        return Anything(f"{self._name}.{name}", self._depth + 1)

    def __getitem__(self, key: object) -> "Anything":
        return Anything(f"{self._name}[{key}]", self._depth + 1)

    def __call__(self, *args: object, **kwargs: object) -> "Anything":
        return Anything(f"{self._name}()", self._depth + 1)

    def __iter__(self) -> Iterator["Anything"]:
        return iter([self[0], self[1]] if self._depth < MAX_DEPTH else [])

    def __len__(self) -> int:
        return 2 if self._depth < MAX_DEPTH else 0

    def __bool__(self) -> bool:
        return self._depth < MAX_DEPTH

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return repr(self._name)

    def __contains__(self, item: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(self._name)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __lt__(self, other: object) -> bool:
        return str(self) < str(other)

    def __gt__(self, other: object) -> bool:
        return str(self) > str(other)

    def __le__(self, other: object) -> bool:
        return str(self) <= str(other)

    def __ge__(self, other: object) -> bool:
        return str(self) >= str(other)

    def __int__(self) -> int:
        return 3

    __index__ = __int__

    def __float__(self) -> float:
        return 3.5

    def _operate(self, *others: object) -> "Anything":
        return self

    def __add__(self, other: object) -> object:
        return str(self) + other if isinstance(other, str) else self

    def __radd__(self, other: object) -> object:
        return other + str(self) if isinstance(other, str) else self

    __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __rmod__ = __pos__ = _operate
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __pow__ = __rpow__ = __neg__ = _operate


def permissive(base: type) -> type:
    """A subclass of an engine's undefined class whose values are empty, and on which no operation fails."""

    def itself(self: Any, *args: object, **kwargs: object) -> Any:
        return self

    def attribute(self: Any, name: str) -> Any:
        if name.startswith(RESERVED):
            raise AttributeError(name)
        return self

    def no(self: Any, other: object) -> bool:
        return False

    operators = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
    methods: dict[str, Any] = {f"__{prefix}{name}__": itself for name in operators for prefix in ("", "r")}
    methods |= dict.fromkeys(("__call__", "__getitem__", "__pos__", "__neg__"), itself)
    methods |= dict.fromkeys(("__lt__", "__gt__", "__le__", "__ge__"), no)
    methods |= {"__getattr__": attribute, "__int__": lambda self: 0, "__float__": lambda self: 0.0}
    methods |= {"__index__": lambda self: 0, "__hash__": lambda self: 1}
    return type("Permissive", (base,), methods)


def stub_filter(value: object, *args: object, **kwargs: object) -> object:
    return value


def stub_test(value: object, *args: object, **kwargs: object) -> bool:
    return True


def stub_lipsum(*args: object, **kwargs: object) -> str:
    """Replaces `lipsum`, because the texts of the engines are random and use different words."""
    return "Lorem ipsum."


class Names(NamedTuple):
    """Names that a template uses and its environment does not have."""

    filters: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()


def unknown_names(environment: jinja2.Environment, source: str) -> Names:
    """The filters and tests that a source uses and a Jinja2 environment does not have."""
    try:
        tree = environment.parse(source)
    except jinja2.TemplateSyntaxError:
        return Names()
    filters = {node.name for node in tree.find_all(jinja2.nodes.Filter) if node.name is not None}
    tests = {node.name for node in tree.find_all(jinja2.nodes.Test)}
    return Names(frozenset(filters - environment.filters.keys()), frozenset(tests - environment.tests.keys()))


def finder(sources: dict[str, str], root: str) -> Callable[[Any], tuple[str, str, Callable[[], bool]]]:
    """A function for FunctionLoader: the template whose path ends with a name, or an empty one."""
    endings: dict[str, str] = {}
    for path in sorted(sources, key=len, reverse=True):
        parts = path.split("/")
        endings.update({"/".join(parts[start:]): path for start in range(len(parts))})

    def load(name: str) -> tuple[str, str, Callable[[], bool]]:
        path = name if name in sources else endings.get(re.sub(r"^(\.{0,2}/)+", "", str(name)))
        return sources[path] if path else "", root + (path or str(name)), lambda: True

    return load
