"""Each operation on each kind of undefined value has the same result or error as in Jinja2."""

import copy
import logging
import operator
import pickle
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jinja2
import jinja2.runtime
import pytest
from markupsafe import escape

import tmplmon.runtime.undefined as module
from tmplmon.errors import TemplateRuntimeError, UndefinedError
from tmplmon.runtime.undefined import Undefined, is_undefined, make_logging_undefined, missing

from .sides import User, describe, describe_error

KINDS = ["Undefined", "ChainableUndefined", "DebugUndefined", "StrictUndefined"]

# The arguments of the constructor.
ORIGINS: dict[str, dict[str, Any]] = {
    "name": {"name": "gone"},
    "attribute": {"obj": User("x"), "name": "gone"},
    "attribute of text": {"obj": "x", "name": "gone"},
    "attribute of none": {"obj": None, "name": "gone"},
    "attribute of ellipsis": {"obj": ..., "name": "gone"},
    "attribute of class": {"obj": User, "name": "gone"},
    "item": {"obj": {}, "name": 3},
    "item of user": {"obj": User("x"), "name": ("a", 1)},
    "hint": {"hint": "because", "name": "gone"},
    "empty hint": {"hint": "", "name": "gone"},
    "nothing": {},
}

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "repr": repr,
    "format": lambda u: f"{u}",
    "format width": lambda u: f"{u:>5}",
    "escape": escape,
    "bytes": bytes,
    "bool": bool,
    "len": len,
    "iter": list,
    "reversed": lambda u: list(reversed(u)),
    "in it": lambda u: 1 in u,
    "it in": lambda u: u in [1, "x"],
    "it in itself": lambda u: u in [u],
    "hash": lambda u: hash(u) == hash(type(u)()),
    "call": lambda u: u(),
    "call with": lambda u: u(1, a=2),
    "attribute": lambda u: u.name,
    "private": lambda u: u._name,
    "dunder": lambda u: u.__missing__,
    "html": lambda u: u.__html__(),
    "item": lambda u: u["name"],
    "index": lambda u: u[0],
    "slice": lambda u: u[1:2],
    "set item": lambda u: operator.setitem(u, 0, 1),
    "set attribute": lambda u: setattr(u, "x", 1),
    "message": lambda u: u._undefined_message,
    "parts": lambda u: (u._undefined_hint, u._undefined_name, u._undefined_exception.__name__),
    "fail": lambda u: u._fail_with_undefined_error(),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda u: pickle.loads(pickle.dumps(u))._undefined_message,
    "int": int,
    "float": float,
    "complex": complex,
    "round": round,
    "abs": abs,
    "index of": operator.index,
    "positive": operator.pos,
    "negative": operator.neg,
    "invert": operator.invert,
    "is none": lambda u: u is None,
    "equal to its kind": lambda u: u == type(u)(name="other"),
    "unequal to its kind": lambda u: u != type(u)(name="other"),
    "percent": lambda u: operator.mod("%s", u),
    "percent number": lambda u: operator.mod("%d", u),
    "join": lambda u: ",".join(u),
    "sorted": lambda u: sorted([u, u]),
    "sum": lambda u: sum([u]),
    "max": lambda u: max(u, u),
    "divmod": lambda u: divmod(u, 2),
    "hasattr": lambda u: (hasattr(u, "__html__"), hasattr(u, "__len__"), hasattr(u, "__contains__")),
    "iadd": lambda u: operator.iadd(u, 1),
}
BINARY = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift lt le gt ge eq ne"
for _name in BINARY.split(" "):
    _operator = getattr(operator, _name)
    OPERATIONS[f"u {_name} 2"] = lambda u, f=_operator: f(u, 2)
    OPERATIONS[f"2 {_name} u"] = lambda u, f=_operator: f(2, u)


def outcome(owner: ModuleType, kind: str, origin: str, operation: str) -> Any:
    value = getattr(owner, kind)(**ORIGINS[origin])
    try:
        return describe(OPERATIONS[operation](value))
    except Exception as error:
        return describe_error(error)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("kind", KINDS)
def test_as_jinja(kind: str, origin: str) -> None:
    for operation in OPERATIONS:
        mine = outcome(module, kind, origin, operation)
        assert (operation, mine) == (operation, outcome(jinja2.runtime, kind, origin, operation))


async def _collect(value: Any) -> list[Any]:
    return [item async for item in value]


@pytest.mark.parametrize("kind", KINDS)
def test_asynchronous_iteration_is_empty(kind: str) -> None:
    import asyncio

    assert asyncio.run(_collect(getattr(module, kind)(name="gone"))) == []


def test_equality_is_by_exact_kind() -> None:
    assert module.Undefined() == module.Undefined(name="x")
    assert module.Undefined() != module.DebugUndefined()
    assert {module.Undefined(), module.Undefined(name="x"), module.DebugUndefined()} == {
        module.Undefined(),
        module.DebugUndefined(),
    }


def test_the_exception_class_can_be_chosen() -> None:
    class Forbidden(TemplateRuntimeError):
        pass

    with pytest.raises(Forbidden, match="no entry"):
        _ = Undefined("no entry", exc=Forbidden) + 1


@pytest.mark.parametrize("kind", KINDS)
def test_undefined_values_have_no_dict(kind: str) -> None:
    assert not hasattr(getattr(module, kind)(), "__dict__")


def test_is_undefined() -> None:
    assert is_undefined(module.StrictUndefined(name="x"))
    assert not is_undefined(None) and not is_undefined(missing)


def test_missing_is_one_object() -> None:
    assert repr(missing) == "missing"
    for version in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(missing, version)) is missing
    assert copy.copy(missing) is copy.deepcopy([missing])[0] is missing


def logged(caplog: pytest.LogCaptureFixture, owner: ModuleType, kind: str, operation: str) -> Any:
    caplog.clear()
    logger = logging.getLogger("templates")
    cls = owner.make_logging_undefined(logger, getattr(owner, kind))
    value = cls(name="gone")
    try:
        result = describe(OPERATIONS[operation](value))
    except Exception as error:
        result = describe_error(error)
    return result, [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in ("pickle",)])
@pytest.mark.parametrize("kind", KINDS)
def test_logging(caplog: pytest.LogCaptureFixture, kind: str, operation: str) -> None:
    mine = logged(caplog, module, kind, operation)
    assert mine == logged(caplog, jinja2.runtime, kind, operation)


def test_logged_messages_name_the_operation(caplog: pytest.LogCaptureFixture) -> None:
    value = make_logging_undefined(logging.getLogger("templates"))(name="gone")
    assert str(value) == ""
    with pytest.raises(UndefinedError):
        _ = value.attribute
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert all("'gone' is undefined" in record.getMessage() for record in caplog.records)


def test_default_logger_writes_to_standard_error() -> None:
    logger = logging.getLogger("tmplmon.runtime.undefined")
    before = list(logger.handlers)
    make_logging_undefined()
    (handler,) = [handler for handler in logger.handlers if handler not in before]
    try:
        assert isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
    finally:
        logger.removeHandler(handler)
