"""The options that several commands share, and the environment they make.

Rule: an option has the name and the meaning of the `Environment` argument it sets. Escaping goes by the
template's name, as `select_autoescape` has it, with the names that a template suffix makes of them: what is
``page.html.j2`` here becomes ``page.html``, so it is escaped like one.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tmplmon.cli.problems import UsageError

# A template's name may end in one of these on top of what it makes; the output is named without.
TEMPLATE_SUFFIXES = (".j2", ".jinja", ".jinja2")
# What is escaped, and what is a template in a directory, besides names with the suffixes above.
ESCAPED = ("html", "htm", "xhtml", "xml")
TEMPLATE_ENDS = (*(f".{name}" for name in ESCAPED), ".txt", *TEMPLATE_SUFFIXES)


def add_syntax_options(parser: argparse.ArgumentParser) -> None:
    """How a template is read and compiled."""
    group = parser.add_argument_group("templates")
    group.add_argument("--trim-blocks", action="store_true", help="drop the line end after a tag")
    group.add_argument(
        "--lstrip-blocks", action="store_true", help="drop the blanks before a tag on its line"
    )
    group.add_argument(
        "--keep-trailing-newline", action="store_true", help="keep the line end at the end of a template"
    )
    group.add_argument(
        "--extension",
        action="append",
        default=[],
        metavar="NAME",
        help="switch on an extension: do, loopcontrols, debug, i18n, or an import path; may be repeated",
    )
    group.add_argument(
        "--autoescape",
        choices=("auto", "on", "off"),
        default="auto",
        help=f"escape HTML in the output; auto: by the name ({', '.join(ESCAPED)})",
    )


def add_search_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="DIR",
        dest="search",
        help="where to look for templates, instead of beside the file; may be repeated",
    )


def add_data_option(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument("--data", nargs="+", action="extend", default=[], metavar="DATA", help=help)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """How a template is run."""
    group = parser.add_argument_group("running")
    group.add_argument("--strict", action="store_true", help="an undefined variable is an error")
    group.add_argument(
        "--backend", choices=("bytecode", "closures"), default="bytecode", help="what runs the templates"
    )
    group.add_argument("--cache", metavar="DIR", help="keep compiled templates in this directory")


def add_profile_options(parser: argparse.ArgumentParser) -> None:
    """What is profiled, and how it is shown."""
    parser.add_argument(
        "-n", "--repeat", type=_count, default=1, metavar="N", help="how often to render; 1 by default"
    )
    parser.add_argument(
        "--cold",
        action="store_true",
        help="no rendering before: loading and compiling count where they happen",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the file to write; its name's end says the format"
    )
    parser.add_argument(
        "--format",
        choices=("table", "html", "svg", "speedscope", "json", "collapsed"),
        help="html: the source as a heat map; svg: a flame graph; collapsed: stacks for other tools",
    )
    parser.add_argument(
        "--sort", choices=("self", "total", "hits", "line"), default="self", help="the order in the table"
    )
    parser.add_argument(
        "--top",
        type=int,
        default=20,
        metavar="N",
        help="how many lines in the table, 0 for all; 20 by default",
    )
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours in the table"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def escaped_names() -> tuple[str, ...]:
    """The ends of names, without the first dot, whose templates are escaped."""
    return (*ESCAPED, *(f"{name}{suffix}" for name in ESCAPED for suffix in TEMPLATE_SUFFIXES))


def find_environment(place: str) -> Any:
    """The environment of an application, imported as ``module:name`` says: the value of that name, an attribute
    `jinja_env` or `env` of it, or what it returns. Raises UsageError."""
    module, _, name = place.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module)
    except ImportError as error:
        raise UsageError(f"--environment {place}: {error}") from None
    for part in name.split(".") if name else ():
        found = getattr(found, part, None)
    # An attribute of the application: Flask's `jinja_env`, the `env` of Starlette's templates.
    found = getattr(found, "jinja_env", None) or getattr(found, "env", None) or found
    if not hasattr(found, "get_template") and callable(found):
        found = found()
    if not hasattr(found, "get_template") or not hasattr(found, "overlay"):
        raise UsageError(f"--environment {place}: there is no environment of that name")
    return found


def make_environment(args: argparse.Namespace, search: Sequence[str]) -> Any:
    """An `Environment` that looks for templates in the directories `search`: that of an application, if there is
    such an option and it is given. Raises UsageError for an application or an extension that is not there."""
    import tmplmon

    if getattr(args, "environment", None) is not None:
        found = find_environment(args.environment)
        loaders = (tmplmon.FileSystemLoader(list(search)), found.loader)
        return found.overlay(
            loader=tmplmon.ChoiceLoader([loader for loader in loaders if loader is not None])
        )
    options: dict[str, Any] = {
        "loader": tmplmon.FileSystemLoader(list(search)),
        "trim_blocks": args.trim_blocks,
        "lstrip_blocks": args.lstrip_blocks,
        "keep_trailing_newline": args.keep_trailing_newline,
        "autoescape": {"on": True, "off": False}.get(
            args.autoescape, tmplmon.select_autoescape(escaped_names())
        ),
        "extensions": [name if "." in name else f"tmplmon.ext.{name}" for name in args.extension],
    }
    if getattr(args, "strict", False):
        options["undefined"] = tmplmon.StrictUndefined
    if getattr(args, "backend", "bytecode") != "bytecode":
        options["backend"] = args.backend
    if getattr(args, "cache", None) is not None:
        options["cache_dir"] = args.cache
    try:
        environment = tmplmon.Environment(**options)
    except TypeError:
        if "backend" not in options:
            raise
        raise UsageError(f"this version has no back end {args.backend!r}") from None
    except (ImportError, AttributeError, ValueError) as error:
        if not args.extension:
            raise
        raise UsageError(f"--extension {' '.join(args.extension)}: {error}") from None
    if hasattr(environment, "install_null_translations"):
        # With the i18n extension on: messages are output as they are written.
        environment.install_null_translations()
    return environment
