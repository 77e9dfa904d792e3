"""All objects that a template can reach by the attributes, items and calls that are allowed.

The search starts from the objects that the engine passes to a template: globals, results of filters, loops, macros,
`self`, modules, undefined values, generators. From each object it follows all attributes in `dir` (and those that
must not exist), all items, and calls with a few arguments, as a template would. No object may be a frame, code, a
module, the globals of a function, a class, or internal to the engine.
"""

import types
from collections.abc import Iterator
from typing import Any

import pytest

from tmplmon import BaseLoader, DictLoader, Environment, Template, Undefined
from tmplmon.ext import Extension
from tmplmon.runtime.blocks import Block
from tmplmon.runtime.context import Context, EvalContext
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.globals import Cycler, Joiner
from tmplmon.runtime.tests import TESTS
from tmplmon.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment
from tmplmon.sandbox.filters import SandboxedNamespace

FORBIDDEN = (
    *(types.FrameType, types.CodeType, types.TracebackType, types.ModuleType),
    *(Environment, Template, Context, EvalContext, Block, BaseLoader, Extension, BaseException),
)
# Classes that are globals. A template can call them.
CLASSES = (dict, Cycler, Joiner, SandboxedNamespace)

NAMES = (
    *(
        "gi_frame",
        "gi_code",
        "gi_yieldfrom",
        "cr_frame",
        "cr_code",
        "cr_await",
        "ag_frame",
        "ag_code",
        "ag_await",
    ),
    *(
        "f_globals",
        "f_back",
        "f_locals",
        "f_builtins",
        "co_consts",
        "tb_frame",
        "mro",
        "format",
        "format_map",
    ),
    *("environment", "_environment", "_context", "_code", "code", "block", "template", "_origin", "loader"),
    *(
        "__class__",
        "__dict__",
        "__globals__",
        "__self__",
        "__func__",
        "__wrapped__",
        "__init__",
        "__getattribute__",
    ),
    *(
        "__closure__",
        "__code__",
        "__mro__",
        "__bases__",
        "__base__",
        "__subclasses__",
        "__module__",
        "__reduce_ex__",
    ),
    *(
        "__traceback__",
        "__context__",
        "__cause__",
        "__origin__",
        "__args__",
        "__objclass__",
        "__get__",
        "__builtins__",
    ),
    *(
        "_undefined_exception",
        "_undefined_obj",
        "_fail_with_undefined_error",
        "_body_stream",
        "__loader__",
        "_values",
    ),
)
ARGUMENTS: tuple[tuple[Any, ...], ...] = (
    (), ("a",), ("{0.__class__}",), (1,), ([1, 2],), ({"a": 1},), ("a", "b"), ("a", 1), (1, 2),
)  # fmt: skip

MAIN = """
{%- extends 'base' %}{% import 'lib' as lib %}{% from 'lib' import lib_macro %}
{%- macro m(x) %}{{ collect(varargs, kwargs, caller, x) }}{{ caller(1) }}{% endmacro %}
{%- block body %}{{ super() }}{{ collect(super, self, self.body, lib, lib_macro, m, missing_name, d.missing) }}
{%- for x in [1, 2] recursive %}{{ collect(loop, loop.cycle, loop.previtem) }}{% endfor %}
{%- call(y) m(3, 4, a=5) %}{{ collect(y) }}{% endcall %}
{%- set ns = namespace(a=1) %}{% set captured %}<b>{% endset %}
{{- collect(ns, captured, range, range(3), dict, cycler, cycler(1, 2), joiner, joiner(), lipsum, namespace) }}
{{- collect(d.items(), d.keys(), d.values(), [], (), {}, 1, 1.5, true, none, 'text', 'text'|e, d.items) }}
{{- collect('x'.format, namespace()) }}
{%- endblock %}"""
TEMPLATES = {
    "main": MAIN,
    "base": "{% block body %}{{ collect(self) }}{% endblock %}",
    "lib": "{% macro lib_macro() %}{% endmacro %}{% set exported = [1] %}{% set _private = 2 %}",
}
SUBJECTS: tuple[Any, ...] = ("a,b", [1, 2], [{"a": 1}], {"a": "b"}, 2, 1.5, ["b", "a"])
FILTER_ARGUMENTS: tuple[tuple[Any, ...], ...] = ((), ("a",), (2,), ("upper",), ("odd",), ("a", "b"))


def start(environment: SandboxedEnvironment) -> Iterator[Any]:
    """The objects that templates receive."""
    collected: list[Any] = []

    def collect(*values: Any) -> str:
        collected.extend(values)
        return ""

    template = environment.get_template("main")
    context = template.new_context({"collect": collect, "d": {"a": 1}})
    template.render(collect=collect, d={"a": 1})
    assert len(collected) > 40
    yield from collected
    for table, apply in ((FILTERS, environment.call_filter), (TESTS, environment.call_test)):
        for name in table:
            for subject in SUBJECTS:
                for arguments in FILTER_ARGUMENTS:
                    try:
                        made = apply(name, subject, arguments, None, context)
                    except Exception:
                        continue
                    yield made


def names_of(obj: Any) -> Iterator[str]:
    try:
        names = set(dir(obj))
    except Exception:
        names = set()
    yield from sorted({*names, *NAMES})


def next_objects(environment: SandboxedEnvironment, context: Any, obj: Any) -> Iterator[tuple[str, Any]]:
    for name in names_of(obj):
        for how in (environment.getattr, environment.getitem):
            try:
                yield f"{how.__name__} {name}", how(obj, name)
            except Exception:
                pass
        try:
            yield f"attr {name}", environment.call_filter("attr", obj, (name,), None, context)
        except Exception:
            pass
    if not isinstance(obj, (str, bytes)):
        try:
            yield from (("item", item) for item, _ in zip(obj, range(5), strict=False))
        except Exception:
            pass
    if callable(obj):
        for arguments in ARGUMENTS:
            try:
                yield f"call {arguments}", environment.call(context, obj, *arguments)
            except Exception:
                pass


def forbidden(obj: Any) -> bool:
    if isinstance(obj, FORBIDDEN):
        return True
    if isinstance(obj, type):
        return not any(obj is cls for cls in CLASSES)
    return isinstance(obj, dict) and "__builtins__" in obj


def identity(obj: Any) -> Any:
    """The key by which objects are visited once. All texts, for example, lead to the same objects."""
    match obj:
        case types.BuiltinFunctionType() | types.MethodType():
            return obj.__name__, type(obj.__self__)
        case types.FunctionType():
            return obj.__code__
        case types.GeneratorType():
            return obj.gi_code
        case type():
            return obj
        case list() | tuple():
            return type(obj), *map(type, obj)
    return type(obj)


@pytest.mark.filterwarnings("ignore:the .* signature of throw:DeprecationWarning")
@pytest.mark.parametrize("cls", [SandboxedEnvironment, ImmutableSandboxedEnvironment])
def test_no_internal_object_can_be_reached(cls: type[SandboxedEnvironment]) -> None:
    environment = cls(loader=DictLoader(TEMPLATES))
    context = environment.from_string("").new_context({})
    pending: list[tuple[str, Any, int]] = [(type(obj).__name__, obj, 0) for obj in start(environment)]
    seen: set[Any] = set()
    while pending:
        path, obj, depth = pending.pop()
        assert not forbidden(obj), f"{path}: {obj!r}"
        if isinstance(obj, Undefined) or identity(obj) in seen:
            continue
        seen.add(identity(obj))
        if depth < 5:
            pending += [
                (f"{path} > {how}", names, depth + 1)
                for how, names in next_objects(environment, context, obj)
            ]
    assert len(seen) > 150


def test_the_search_finds_escapes() -> None:
    """The same search in an environment without a sandbox."""

    class Open(SandboxedEnvironment):
        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return True

    environment = Open()
    context = environment.from_string("").new_context({})
    names = [obj for _, obj in next_objects(environment, context, [])]
    assert any(map(forbidden, names))
