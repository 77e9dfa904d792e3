"""`jinja2`, with tmplmon as the engine. See `tmplmon.as_jinja2`."""

import re
from importlib import import_module
from typing import Any

from jinja2.bccache import BytecodeCache, FileSystemBytecodeCache, MemcachedBytecodeCache
from jinja2.environment import Environment, Template
from jinja2.loaders import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    FunctionLoader,
    ModuleLoader,
    PackageLoader,
    PrefixLoader,
)
from jinja2.utils import (
    clear_caches,
    is_undefined,
    pass_context,
    pass_environment,
    pass_eval_context,
    select_autoescape,
)

from tmplmon.as_jinja2.finding import installed_file
from tmplmon.errors import (
    TemplateAssertionError,
    TemplateError,
    TemplateNotFound,
    TemplateRuntimeError,
    TemplatesNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from tmplmon.runtime.undefined import (
    ChainableUndefined,
    DebugUndefined,
    StrictUndefined,
    Undefined,
    make_logging_undefined,
)

__all__ = [
    "BaseLoader",
    "BytecodeCache",
    "ChainableUndefined",
    "ChoiceLoader",
    "DebugUndefined",
    "DictLoader",
    "Environment",
    "FileSystemBytecodeCache",
    "FileSystemLoader",
    "FunctionLoader",
    "MemcachedBytecodeCache",
    "ModuleLoader",
    "PackageLoader",
    "PrefixLoader",
    "StrictUndefined",
    "Template",
    "TemplateAssertionError",
    "TemplateError",
    "TemplateNotFound",
    "TemplateRuntimeError",
    "TemplateSyntaxError",
    "TemplatesNotFound",
    "Undefined",
    "UndefinedError",
    "clear_caches",
    "is_undefined",
    "make_logging_undefined",
    "pass_context",
    "pass_environment",
    "pass_eval_context",
    "select_autoescape",
]

_MODULES = frozenset(
    (
        *(
            "async_utils",
            "bccache",
            "compiler",
            "constants",
            "debug",
            "defaults",
            "environment",
            "exceptions",
        ),
        *("ext", "filters", "idtracking", "lexer", "loaders", "meta", "nativetypes", "nodes", "optimizer"),
        *("parser", "runtime", "sandbox", "tests", "utils", "visitor"),
    )
)


def _version() -> str:
    """The version of the installed Jinja2."""
    with open(installed_file("__init__"), encoding="utf-8") as file:
        match = re.search(r"""^__version__\s*=\s*["']([^"']+)""", file.read(), re.MULTILINE)
    if match is not None:
        return match[1]
    from importlib.metadata import version

    return version("jinja2")


__version__ = _version()


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"jinja2.{name}")
    raise AttributeError(f"module 'jinja2' has no attribute {name!r}")
