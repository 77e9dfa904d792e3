"""Code objects that engines announce, and the watchers that are notified."""

from __future__ import annotations

import gc
from types import CodeType

import pytest

from tmplmon.monitoring.announced import announce, announced, unwatch, watch
from tmplmon.monitoring.codelike import CodeLikeBuilder


def codelike(name: str = "page") -> CodeType:
    return CodeLikeBuilder("/srv/page", name).build().code


def test_code_is_announced_once_together_with_nested_code() -> None:
    announced_codes: list[CodeType] = []
    inner = codelike("inner")
    outer = codelike("outer").replace(co_consts=(1, inner))
    watch(announced_codes.append)
    try:
        announce(outer)
        announce(outer, inner)
    finally:
        unwatch(announced_codes.append)
    announce(codelike("later"))
    # `inner` is passed as a part of `outer`, and once more when it is announced itself.
    assert [code.co_name for code in announced_codes] == ["outer", "inner", "inner"]
    assert sum(code is outer for code in announced()) == 1


def test_announced_code_is_not_kept_alive() -> None:
    code = codelike("short-lived")
    announce(code)
    assert "short-lived" in [code.co_name for code in announced()]
    del code
    gc.collect()
    assert "short-lived" not in [code.co_name for code in announced()]


def test_equal_code_objects_are_announced_separately() -> None:
    one, other = codelike("twin"), codelike("twin")
    assert one == other
    announce(one, other)
    assert sum(code.co_name == "twin" for code in announced()) == 2


def test_unwatch_refuses_a_function_that_does_not_watch() -> None:
    with pytest.raises(ValueError):
        unwatch(print)
