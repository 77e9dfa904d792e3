"""A template engine that speaks the Jinja language, and whose templates are source code to every Python tool.

    from tmplmon import Environment, FileSystemLoader, select_autoescape

    environment = Environment(loader=FileSystemLoader("templates"), autoescape=select_autoescape())
    print(environment.get_template("page.html").render(title="Hello"))

Names are loaded when they are first used.

PYTEST_DONT_REWRITE: pytest, of which this package has a plugin, would warn when the environment variable
TMPLMON_JINJA2 has imported the package before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup, escape

    from tmplmon.autoescape import select_autoescape
    from tmplmon.codemap import CodeMap, code_map
    from tmplmon.environment import Environment, clear_caches
    from tmplmon.errors import (
        BudgetError,
        DepthLimitExceeded,
        FilterArgumentError,
        FuelExhausted,
        OutputLimitExceeded,
        RenderCancelled,
        SecurityError,
        TemplateAssertionError,
        TemplateError,
        TemplateNotFound,
        TemplateRuntimeError,
        TemplatesNotFound,
        TemplateSyntaxError,
        TimeLimitExceeded,
        UndefinedError,
    )
    from tmplmon.loaded import loaded_files, loaded_folders
    from tmplmon.loaders import (
        BaseLoader,
        ChoiceLoader,
        DictLoader,
        FileSystemLoader,
        FunctionLoader,
        PackageLoader,
        PrefixLoader,
    )
    from tmplmon.nativetypes import NativeEnvironment
    from tmplmon.runtime.budget import Budget, Limits, Spending
    from tmplmon.runtime.markers import pass_context, pass_environment, pass_eval_context
    from tmplmon.runtime.undefined import (
        ChainableUndefined,
        DebugUndefined,
        StrictUndefined,
        Undefined,
        is_undefined,
        make_logging_undefined,
    )
    from tmplmon.template import Template
    from tmplmon.tools.coverage import coverage_init as coverage_init

__version__ = "0.1.0"

_HOME = {
    "Markup": "markupsafe",
    "escape": "markupsafe",
    "select_autoescape": "tmplmon.autoescape",
    "CodeMap": "tmplmon.codemap",
    "code_map": "tmplmon.codemap",
    "coverage_init": "tmplmon.tools.coverage",
    "Environment": "tmplmon.environment",
    "loaded_files": "tmplmon.loaded",
    "loaded_folders": "tmplmon.loaded",
    "clear_caches": "tmplmon.environment",
    "NativeEnvironment": "tmplmon.nativetypes",
    "Template": "tmplmon.environment",  # which sets `Template.environment_class`
    **dict.fromkeys(
        (
            "BudgetError",
            "DepthLimitExceeded",
            "FuelExhausted",
            "OutputLimitExceeded",
            "RenderCancelled",
            "TimeLimitExceeded",
            "FilterArgumentError",
            "SecurityError",
            "TemplateAssertionError",
            "TemplateError",
            "TemplateNotFound",
            "TemplateRuntimeError",
            "TemplateSyntaxError",
            "TemplatesNotFound",
            "UndefinedError",
        ),
        "tmplmon.errors",
    ),
    **dict.fromkeys(
        (
            "BaseLoader",
            "ChoiceLoader",
            "DictLoader",
            "FileSystemLoader",
            "FunctionLoader",
            "PackageLoader",
            "PrefixLoader",
        ),
        "tmplmon.loaders",
    ),
    **dict.fromkeys(("Budget", "Limits", "Spending"), "tmplmon.runtime.budget"),
    **dict.fromkeys(("pass_context", "pass_environment", "pass_eval_context"), "tmplmon.runtime.markers"),
    **dict.fromkeys(
        (
            "ChainableUndefined",
            "DebugUndefined",
            "StrictUndefined",
            "Undefined",
            "is_undefined",
            "make_logging_undefined",
        ),
        "tmplmon.runtime.undefined",
    ),
}

# `coverage_init`, by which coverage.py finds the plugin, is not listed: ``from tmplmon import *`` must work without
# coverage.py.
__all__ = [
    "BaseLoader",
    "Budget",
    "BudgetError",
    "ChainableUndefined",
    "ChoiceLoader",
    "CodeMap",
    "DebugUndefined",
    "DepthLimitExceeded",
    "DictLoader",
    "Environment",
    "FileSystemLoader",
    "FilterArgumentError",
    "FuelExhausted",
    "FunctionLoader",
    "Limits",
    "Markup",
    "NativeEnvironment",
    "OutputLimitExceeded",
    "PackageLoader",
    "PrefixLoader",
    "RenderCancelled",
    "SecurityError",
    "Spending",
    "StrictUndefined",
    "Template",
    "TemplateAssertionError",
    "TemplateError",
    "TemplateNotFound",
    "TemplateRuntimeError",
    "TemplateSyntaxError",
    "TemplatesNotFound",
    "TimeLimitExceeded",
    "Undefined",
    "UndefinedError",
    "__version__",
    "clear_caches",
    "code_map",
    "escape",
    "is_undefined",
    "loaded_files",
    "loaded_folders",
    "make_logging_undefined",
    "pass_context",
    "pass_environment",
    "pass_eval_context",
    "select_autoescape",
]


# Modules that are attributes of the package without an import of theirs, as in Jinja2.
_MODULES = frozenset(
    (
        *("defaults", "environment", "exceptions", "ext", "filters", "loaders", "meta", "nativetypes"),
        *("runtime", "sandbox", "utils"),
    )
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
