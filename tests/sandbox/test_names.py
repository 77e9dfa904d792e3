"""The internal attributes, and the methods that modify their object: tables, and comparisons with Jinja2."""

import types
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jinja2.sandbox
import pytest

from tmplmon import DictLoader, SecurityError
from tmplmon.runtime.globals import Cycler, Joiner
from tmplmon.sandbox import SandboxedEnvironment, is_internal_attribute, modifies_known_mutable, unsafe


def function() -> None: ...


class Class:
    def method(self) -> None: ...


def generator() -> Iterator[int]:
    yield 1


async def coroutine() -> None: ...


async def async_generator() -> AsyncIterator[int]:
    yield 1


ROUTINE = coroutine()
ROUTINE.close()
OBJECTS: dict[str, Any] = {
    "function": function,
    "method": Class().method,
    "class": Class,
    "generator": generator(),
    "coroutine": ROUTINE,
    "async generator": async_generator(),
    "code": function.__code__,
    "text": "text",
    "list": [],
    "object": Class(),
}
NAMES = (
    *("mro", "method", "upper", "append", "x", "_x", "__class__", "__x"),
    *(f"gi_{name}" for name in ("frame", "code", "running", "yieldfrom")),
    *(f"cr_{name}" for name in ("frame", "code", "running", "await")),
    *(f"ag_{name}" for name in ("frame", "code", "running", "await")),
    *("co_code", "co_name", "f_globals", "tb_frame", "im_func", "__self__", "__func__", "__code__"),
)
# All attributes of these are internal here; in Jinja2, only those that lead to frames and code.
PREFIXES = {"generator": "gi_", "coroutine": "cr_", "async generator": "ag_"}


@pytest.mark.parametrize("name", OBJECTS)
def test_internal_attributes(name: str) -> None:
    for attribute in NAMES:
        internal = jinja2.sandbox.is_internal_attribute(OBJECTS[name], attribute)
        prefix = PREFIXES.get(name)
        expected = internal or (
            prefix is not None and attribute in dir(OBJECTS[name]) and attribute.startswith(prefix)
        )
        assert is_internal_attribute(OBJECTS[name], attribute) is expected, attribute


def test_internal_attributes_of_the_engine() -> None:
    environment = SandboxedEnvironment(loader=DictLoader({}))
    template = environment.from_string("")
    context = template.new_context()
    for obj in (environment, template, context, context.eval_ctx, environment.loader):
        for attribute in ("environment", "filters", "x", "render", "loader", "__class__"):
            assert is_internal_attribute(obj, attribute) is True, attribute
    macro = environment.from_string("{% macro m() %}{% endmacro %}").module.m
    public = {"name", "arguments", "catch_kwargs", "catch_varargs", "caller"}
    for attribute in (*public, "invoke", "bind", "x"):
        assert is_internal_attribute(macro, attribute) is (attribute not in public), attribute
    for obj in (list[int], int | str, type, Cycler):
        assert is_internal_attribute(obj, "mro") is True
    assert is_internal_attribute(Cycler, "next") is True
    assert is_internal_attribute(Joiner, "x") is True
    assert is_internal_attribute(Cycler(1), "next") is False
    assert is_internal_attribute(list[int], "append") is True  # `list[int].append(items, 1)`


MODIFYING = {
    "set": (
        set(),
        {"add", "clear", "difference_update", "discard", "intersection_update", "pop", "remove", "update"}
        | {"symmetric_difference_update"},
    ),
    "dict": ({}, {"clear", "pop", "popitem", "setdefault", "update"}),
    "ordered": (OrderedDict(), {"clear", "pop", "popitem", "setdefault", "update", "move_to_end"}),
    "counter": (Counter(), {"clear", "pop", "popitem", "setdefault", "update", "subtract"}),
    "list": ([], {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}),
    "deque": (
        deque(),
        {"append", "appendleft", "extendleft", "popleft", "rotate"},
    ),
    "bytes": (bytearray(), {"resize"}),
    "tuple": ((), set()),
    "text": ("", set()),
    "frozen": (frozenset(), set()),
    "object": (Class(), set()),
}
ALL = set().union(*(names for _, names in MODIFYING.values()))


@pytest.mark.parametrize("name", MODIFYING)
def test_methods_that_modify(name: str) -> None:
    obj, modifying = MODIFYING[name]
    if name in ("deque", "bytes"):  # sequences like lists, although they have no `sort`
        modifying = modifying | MODIFYING["list"][1]
    for attribute in sorted(ALL | {"get", "count", "index", "copy", "items"}):
        assert modifies_known_mutable(obj, attribute) is (attribute in modifying), attribute
        assert modifies_known_mutable(type(obj), attribute) is (attribute in modifying), attribute


def test_a_function_that_is_marked() -> None:
    @unsafe
    def marked() -> str:
        return "called"

    class Rows:
        items = staticmethod(marked)

    environment = SandboxedEnvironment()
    assert marked() == "called"
    for source in (
        "{{ f() }}",
        "{{ rows|dictsort }}",
        "{{ rows|xmlattr }}",
        "{{ f|string and rows.items() }}",
    ):
        with pytest.raises(SecurityError, match="is not safely callable"):
            environment.from_string(source).render(f=marked, rows=Rows())

    class Mapping(dict[str, int]):
        @unsafe
        def items(self) -> Any:
            return super().items()

    # Filters access the items of a mapping as the template would.
    for source in ("{{ rows|dictsort }}", "{{ rows|items|list }}", "{{ rows|xmlattr }}"):
        with pytest.raises(SecurityError, match="is not safely callable"):
            environment.from_string(source).render(rows=Mapping(b=1, a=2))


def test_a_key_that_cannot_be_a_name_is_undefined() -> None:
    class Key(str):
        def __str__(self) -> str:
            raise ValueError

    for environment in (SandboxedEnvironment(), jinja2.sandbox.SandboxedEnvironment()):
        template = environment.from_string("{{ x[k] is defined }}{{ x['mro'] is defined }}")
        assert template.render(x=Class(), k=Key("method")) == "FalseFalse"


def test_objects_that_are_not_methods() -> None:
    assert is_internal_attribute(types.SimpleNamespace(mro=1), "mro") is False
