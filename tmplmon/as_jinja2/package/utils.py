"""Helpers: those of the installed Jinja2, except for those that tmplmon has."""

from typing import Any

from tmplmon.as_jinja2.finding import original
from tmplmon.autoescape import select_autoescape
from tmplmon.environment import clear_caches as clear_shared_environments
from tmplmon.runtime.globals import Cycler, Joiner, Namespace, generate_lorem_ipsum
from tmplmon.runtime.html import htmlsafe_json_dumps, url_quote, urlize
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
    "select_autoescape",
    "url_quote",
    "urlize",
]


def clear_caches() -> None:
    """Drop the environments that templates made with `Template(source)` share, and the lexers."""
    from jinja2.lexer import _lexer_cache

    clear_shared_environments()
    _lexer_cache.clear()


_original = original("utils")
_original.missing = missing
_own = frozenset(globals())
globals().update({name: value for name, value in vars(_original).items() if name not in _own})


def __getattr__(name: str) -> Any:  # for type checkers
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
