"""The exceptions under the name of the module that applications import them from; `errors` defines them."""

from tmplmon.errors import (
    FilterArgumentError,
    SecurityError,
    TemplateAssertionError,
    TemplateError,
    TemplateNotFound,
    TemplateRuntimeError,
    TemplatesNotFound,
    TemplateSyntaxError,
    UndefinedError,
)

__all__ = [
    "FilterArgumentError",
    "SecurityError",
    "TemplateAssertionError",
    "TemplateError",
    "TemplateNotFound",
    "TemplateRuntimeError",
    "TemplateSyntaxError",
    "TemplatesNotFound",
    "UndefinedError",
]
