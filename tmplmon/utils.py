"""Helpers for filters, tests and globals of applications, under the module name that Jinja2 has for them."""

from tmplmon.autoescape import select_autoescape
from tmplmon.environment import clear_caches
from tmplmon.runtime.globals import Cycler, Joiner, Namespace, generate_lorem_ipsum
from tmplmon.runtime.html import htmlsafe_json_dumps, url_quote, urlize
from tmplmon.runtime.markers import pass_context, pass_environment, pass_eval_context
from tmplmon.runtime.undefined import is_undefined, missing

__all__ = [
    "Cycler",
    "Joiner",
    "Namespace",
    "clear_caches",
    "generate_lorem_ipsum",
    "htmlsafe_json_dumps",
    "is_undefined",
    "missing",
    "pass_context",
    "pass_environment",
    "pass_eval_context",
    "select_autoescape",
    "url_quote",
    "urlize",
]
