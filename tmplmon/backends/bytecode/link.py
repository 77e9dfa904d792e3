"""Code and environment to functions: each link of the code becomes a global variable of its functions.

Rule: linking checks the assumptions that the code was compiled on (`links`). If a filter is no longer the stock
one, or takes another first argument, the code is stale, and the template is compiled again.
"""

import builtins
from collections.abc import Mapping
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from tmplmon.monitoring.announced import announce
from tmplmon.runtime import support
from tmplmon.runtime.html import mark
from tmplmon.runtime.markers import pass_arg_of
from tmplmon.runtime.undefined import Undefined

if TYPE_CHECKING:
    from tmplmon.backends.code import Code
    from tmplmon.environment import Environment
    from tmplmon.template import Template

type Links = tuple[tuple[str, str, Any], ...]


class StaleAssumption(Exception):
    """The code was compiled for an environment with other filters or tests than the one it is linked to."""


def call_convention(function: Any, stock: Any) -> tuple[str | None, bool]:
    """What code assumes of a filter or test: (its first argument, or None; whether it is the stock one)."""
    return pass_arg_of(function), function is stock


class CallConventions:
    """Name of a filter or test → its `call_convention`, computed on access, as a template uses few of them."""

    __slots__ = ("_functions", "_stock")

    def __init__(self, functions: Mapping[str, Any], stock: Mapping[str, Any]) -> None:
        self._functions = functions
        self._stock = stock

    def __getitem__(self, name: str) -> tuple[str | None, bool]:
        return call_convention(self._functions[name], self._stock.get(name))

    def get(self, name: str) -> tuple[str | None, bool] | None:
        return self[name] if name in self._functions else None


def link(
    links: Links, template: "Template", environment: "Environment", blocks: Mapping[str, Any]
) -> dict[str, Any]:
    """The global variables for the functions of a template.

    blocks: the template's `Block` objects by name.

    Raises StaleAssumption if an assumption of the code does not hold for `environment`.
    """
    names: dict[str, Any] = {}
    undefined = _Undefined(environment)
    for name, kind, detail in links:
        if kind == "runtime":
            names[name] = getattr(support, detail)
        elif kind == "python":
            names[name] = getattr(builtins, detail)
        elif kind == "undefined":
            names[name] = undefined[detail]
        elif kind == "default":
            names[name] = (
                environment._globals[detail] if detail in environment._globals else undefined[detail]
            )
        elif kind == "filter":
            function = _applicable(environment._filters, environment._stock_filters, detail)
            names[name] = environment._callable_filter(detail[0], function)
        elif kind == "test":
            names[name] = _applicable(environment._tests, environment._stock_tests, detail)
        else:
            names[name] = _special(kind, detail, template, environment, blocks)
    return names


class _Undefined(dict[str, Any]):
    """Name of a variable → the undefined value for it, one object for each name."""

    def __init__(self, environment: "Environment") -> None:
        super().__init__()
        self._environment = environment

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._environment.undefined(name=name)
        return value


def _applicable(
    table: Mapping[str, Any], stock: Mapping[str, Any], detail: tuple[str, str | None, bool]
) -> Any:
    name, *assumed = detail
    function = table.get(name)
    if function is None or call_convention(function, stock.get(name)) != tuple(assumed):
        raise StaleAssumption(name)
    return function


def _special(
    kind: str, detail: Any, template: "Template", environment: "Environment", blocks: Mapping[str, Any]
) -> Any:
    match kind:
        case "hint":
            return Undefined(detail)
        case "absent":
            return environment.undefined(detail[1], name=detail[0])
        case "filter?" | "test?":
            table = environment._filters if kind == "filter?" else environment._tests
            if detail in table:
                raise StaleAssumption(detail)
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
        case "self":
            return template
        case "tag" | "special":
            return environment._tag_function(detail)
        case "site":
            return object()
    raise StaleAssumption(kind)


class Functions:
    """The functions of a linked template. Code that is stale is compiled again.

    pure: as in `Code`.
    """

    def __init__(self, code: "Code", template: "Template") -> None:
        self._template = template
        self._code, self._names = self._linked(code, False)
        self._generating: dict[str | None, FunctionType] | None = None
        self.pure = self._code.pure

    def _linked(self, code: "Code", generating: bool) -> "tuple[Code, dict[str, Any]]":
        """(the code, compiled again if it is stale; the global variables of its functions)."""
        template = self._template
        environment = template.environment
        try:
            names = link(code.links, template, environment, template.blocks)
        except StaleAssumption:
            code = environment._compile_to_bytecode(template._source, template.name, code.file, generating)
            names = link(code.links, template, environment, template.blocks)
        names["__name__"] = template.name or "<template>"
        names["__loader__"] = template
        announce(code.root, *code.blocks.values())
        return code, names

    def code(self, block: str | None) -> FunctionType:
        """The function `code(context, output)` of the template (None) or of a block."""
        if block is not None:
            return _function(self._code.blocks[block], self._names)
        return _body(self._code, self._names)

    def generating(self, block: str | None) -> FunctionType:
        """The function `generate_code(context)` of the template (None) or of a block."""
        functions: dict[str | None, FunctionType] | None = self._generating
        if functions is None:
            template = self._template
            environment = template.environment
            code = environment._compile_to_bytecode(
                template._source, template.name, self._code.file, generating=True
            )
            code, names = self._linked(code, True)
            functions = {None: _body(code, names)}
            functions |= {name: _function(block_code, names) for name, block_code in code.blocks.items()}
            self._generating = functions
        return functions[block]


def _body(code: "Code", names: dict[str, Any]) -> FunctionType:
    """The function of a template's body. By default, an including template passes it no variables."""
    return _function(code.root, names, argdefs=({},) if code.pure else None)


def _function(code: CodeType, names: dict[str, Any], argdefs: tuple[Any, ...] | None = None) -> FunctionType:
    return FunctionType(code, names, argdefs=argdefs)
