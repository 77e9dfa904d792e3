"""Options that several commands share, and the environment that they define.

Rule: an option has the name and the meaning of the `Environment` argument that it sets. Autoescaping depends on the
template's name, as with `select_autoescape`, without a template suffix: ``page.html.j2`` becomes ``page.html``, so
it is escaped.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import tmplmon
from tmplmon.cli.problems import UsageError
from tmplmon.tools.applications import import_environment

# Suffixes of templates that are removed from the name of the output.
TEMPLATE_SUFFIXES = (".j2", ".jinja", ".jinja2")
# File types that are escaped.
ESCAPED = ("html", "htm", "xhtml", "xml")
# Ends of file names that mark templates in a directory.
TEMPLATE_ENDS = (*(f".{name}" for name in ESCAPED), ".txt", *TEMPLATE_SUFFIXES)


def add_syntax_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for reading and compiling templates."""
    group = parser.add_argument_group("templates")
    group.add_argument("--trim-blocks", action="store_true", help="remove the newline after a tag")
    group.add_argument(
        "--lstrip-blocks", action="store_true", help="remove the whitespace before a tag on its line"
    )
    group.add_argument(
        "--keep-trailing-newline", action="store_true", help="keep the newline at the end of a template"
    )
    group.add_argument(
        "--extension",
        action="append",
        default=[],
        metavar="NAME",
        help="enable an extension: do, loopcontrols, debug, i18n, or an import path; may be repeated",
    )
    group.add_argument(
        "--autoescape",
        choices=("auto", "on", "off"),
        default="auto",
        help=f"escape HTML in the output; auto: depending on the template's name ({', '.join(ESCAPED)})",
    )


def add_search_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for directories of templates."""
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="DIR",
        dest="search",
        help="a directory to search for templates, instead of the file's own; may be repeated",
    )


def add_data_option(parser: argparse.ArgumentParser, help: str) -> None:
    """Add the option for the variables of the templates."""
    parser.add_argument("--data", nargs="+", action="extend", default=[], metavar="DATA", help=help)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for running templates."""
    group = parser.add_argument_group("running")
    group.add_argument("--strict", action="store_true", help="an undefined variable is an error")
    group.add_argument(
        "--backend", choices=("bytecode", "closures"), default="bytecode", help="the back end to use"
    )
    group.add_argument("--cache", metavar="DIR", help="keep compiled templates in this directory")


def add_profile_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for profiling and for the format of the profile."""
    parser.add_argument(
        "-n", "--repeat", type=_count, default=1, metavar="N", help="number of renderings; default 1"
    )
    parser.add_argument(
        "--cold",
        action="store_true",
        help="do not render once before: measure loading and compiling too",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the file to write; its extension selects the format"
    )
    parser.add_argument(
        "--format",
        choices=("table", "html", "svg", "speedscope", "json", "collapsed"),
        help="html: the source as a heat map; svg: a flame graph; collapsed: stacks for other tools",
    )
    parser.add_argument(
        "--sort", choices=("self", "total", "hits", "line"), default="self", help="the order of the table"
    )
    parser.add_argument(
        "--top",
        type=int,
        default=20,
        metavar="N",
        help="number of lines in the table, 0 for all; default 20",
    )
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="use colours in the table"
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def escaped_names() -> tuple[str, ...]:
    """The ends of the names of escaped templates, without the first dot."""
    return (*ESCAPED, *(f"{name}{suffix}" for name in ESCAPED for suffix in TEMPLATE_SUFFIXES))


def find_environment(place: str) -> Any:
    """Import the environment of an application (see `import_environment`). Raises UsageError if there is none."""
    # Modules that the application imports later have to be found, too.
    sys.path.insert(0, os.getcwd())
    try:
        return import_environment(place)
    except (ImportError, TypeError) as error:
        raise UsageError(f"--environment {place}: {error}") from error


def make_environment(args: argparse.Namespace, search: Sequence[str]) -> Any:
    """Create an `Environment` with the search path `search`, or an overlay of the application's environment if
    ``--environment`` is used. Raises UsageError if the application or an extension cannot be imported."""
    if getattr(args, "environment", None) is not None:
        environment = find_environment(args.environment)
        loaders = (tmplmon.FileSystemLoader(list(search)), environment.loader)
        return environment.overlay(
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
    install_null_translations = getattr(environment, "install_null_translations", None)
    if install_null_translations is not None:
        # The i18n extension is enabled: output messages untranslated.
        install_null_translations()
    return environment
