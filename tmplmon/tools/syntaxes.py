"""Environments of tmplmon with the syntax of others: of Jinja2's, or of one that is only known by its description.

They parse templates to find out their lines, and render none.
"""

import importlib
from typing import Any

from tmplmon import Environment
from tmplmon.ext import Extension, tag
from tmplmon.loaded import DELIMITERS, syntax_of

STOCK = tuple(f"tmplmon.ext.{name}" for name in ("do", "loopcontrols", "debug", "i18n"))


def environment_like(environment: Any) -> Environment:
    """An environment with the delimiters and tags of one of Jinja2's."""
    values, extensions = syntax_of(environment)
    delimiters: Any = dict(zip(DELIMITERS, values, strict=True))
    own = [own_extension(name, list(tags)) for name, tags in extensions]
    return Environment(**delimiters, extensions=[*STOCK, *own])


def own_extension(name: str, tags: list[tuple[str, bool | None]]) -> Any:
    """An extension for an environment that only parses: the import name of one of the engine's own, or a class.

    name: the import name of the extension of a template. tags: its tags, as `tmplmon.loaded` records them.
    """
    module, _, last = name.rpartition(".")
    if module == "jinja2.ext":
        return f"tmplmon.ext.{last}"
    try:
        Environment(extensions=[name])
    except Exception:
        # Its module, or the constructor of the class, needs what only the application has.
        if any(has_body is None for _, has_body in tags):
            unknown = importlib.import_module("tmplmon.tools.unknown")
            return unknown.extension_with([tag for tag, _ in tags])
        # The marked functions of an extension are found by their marks alone.
        methods = {f"tag{number}": _marked(*each) for number, each in enumerate(tags)}
        return type("StandIn", (Extension,), methods)
    return name


def _marked(name: str, has_body: Any) -> Any:
    """Return a method of an extension that is never called."""
    return tag(name, body=bool(has_body))(lambda self: "")
