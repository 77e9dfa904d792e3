"""Code and environment to functions: each link of the code becomes a global of its functions.

Rule: linking checks what the code was made on (`links`): where a filter is no longer the stock one, or wants
another first argument, the code does not fit and is to be made again.
"""

import builtins
from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import Any

from tmplmon.runtime import support
from tmplmon.runtime.blocks import NoSuper
from tmplmon.runtime.html import mark
from tmplmon.runtime.markers import pass_arg_of
from tmplmon.runtime.undefined import Undefined

type Links = tuple[tuple[str, str, Any], ...]


class Misfit(Exception):
    """The code was made for another environment than the one it is linked to."""


def traits(function: Any, stock: Any) -> tuple[str | None, bool]:
    """What code assumes of a filter or test: the first argument it wants, and whether it is the stock one."""
    return pass_arg_of(function), function is stock


def link(links: Links, template: Any, environment: Any, blocks: Mapping[str, Any]) -> dict[str, Any]:
    """The globals for the functions of a template. `blocks` are the template's `Block`s by name."""
    names: dict[str, Any] = {}
    for name, kind, detail in links:
        if kind == "runtime":
            names[name] = getattr(support, detail)
        elif kind == "python":
            names[name] = getattr(builtins, detail)
        elif kind == "undefined":
            names[name] = environment.undefined(name=detail)
        elif kind == "filter":
            names[name] = _applicable(environment.filters, environment._stock_filters, detail)
        elif kind == "test":
            names[name] = _applicable(environment.tests, environment._stock_tests, detail)
        else:
            names[name] = _special(kind, detail, template, environment, blocks)
    return names


def _applicable(table: Mapping[str, Any], stock: Mapping[str, Any], detail: tuple[str, str | None, bool]) -> Any:
    name, wants, was_stock = detail
    function = table.get(name)
    if function is None or traits(function, stock.get(name)) != (wants, was_stock):
        raise Misfit(name)
    return function


def _special(kind: str, detail: Any, template: Any, environment: Any, blocks: Mapping[str, Any]) -> Any:
    match kind:
        case "hint":
            return Undefined(detail)
        case "absent":
            return environment.undefined(detail[1], name=detail[0])
        case "filter?" | "test?":
            table = environment.filters if kind == "filter?" else environment.tests
            if detail in table:
                raise Misfit(detail)
            return support.unknown(kind[:-1], detail)
        case "markup":
            return mark(detail)
        case "eval":
            return environment._eval_contexts[detail]
        case "environment":
            return environment
        case "undefined_class":
            return environment.undefined
        case "finalize":
            return environment.finalize
        case "block":
            return blocks[detail]
        case "no_super":
            return NoSuper(environment, detail)
        case "self":
            return template
        case "tag":
            return environment._tag_function(detail)
        case "site":
            return object()
    raise Misfit(kind)


def function(code: CodeType, names: dict[str, Any]) -> FunctionType:
    return FunctionType(code, names)
