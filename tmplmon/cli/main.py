"""The entry point: parses the arguments, runs a command, returns the exit status.

Exit status: 0 success; 1 a problem in a template, its data or its output (reported on standard error); 2 a wrong
command line; 130 interrupted; 141 the reader of standard output has closed it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tmplmon import __version__
from tmplmon.cli import options
from tmplmon.cli.problems import ProblemFound, UsageError, long_form

DATA_HELP = "files (.json, .toml), name=text, name:=json, or - for JSON on standard input; later items win"
# Command → its module and function.
_COMMANDS = {
    "render": ("render", "render"),
    "check": ("check", "check"),
    "compile": ("compile", "compile_templates"),
    "coverage": ("coverage", "coverage"),
    "debug": ("debug", "debug"),
    "show": ("show", "show"),
    "profile": ("profile", "profile"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`, which has no program name (None: the arguments of the process). Returns the exit
    status."""
    parser = make_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else 2
    try:
        status = run_command(args)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"tmplmon {args.command}: {error}", file=sys.stderr)
        return 2
    except ProblemFound as error:
        print(long_form(error.problem), file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Python would raise the error again when it flushes the buffer at exit.
        silence_stdout()
        return 141
    except KeyboardInterrupt:
        return 130


def run_command(args: argparse.Namespace) -> int:
    """Run the command of `args`. Only the command's own module is imported, to start quickly."""
    module, function = _COMMANDS[args.command]
    status: int = getattr(import_module(f"tmplmon.cli.{module}"), function)(args)
    return status


def make_parser() -> argparse.ArgumentParser:
    """Create the parser for the command line, with a subparser for each command."""
    parser = argparse.ArgumentParser(
        prog="tmplmon",
        description="Render, check and inspect templates in the Jinja language.",
    )
    parser.add_argument(
        "--version", action="version", version=f"tmplmon {__version__}", help="show the version and exit"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    render = commands.add_parser(
        "render",
        help="render a template, or a directory of them",
        description="Renders a template to standard output or OUT, or a directory into the directory OUT. In a"
        " directory, files with a leading _ in a name are only used by other templates, files with a leading dot"
        " are skipped, files that end"
        f" in {' '.join(options.TEMPLATE_ENDS)} are rendered, and other files are copied.",
    )
    render.add_argument("template", metavar="PATH", help="a template or a directory")
    options.add_data_option(render, f"the variables: {DATA_HELP}")
    render.add_argument("-o", "--output", metavar="OUT", help="the file or directory to write")
    render.add_argument("-q", "--quiet", action="store_true", help="no summary for a directory")
    options.add_search_option(render)
    options.add_run_options(render)
    options.add_syntax_options(render)

    check = commands.add_parser(
        "check",
        help="find mistakes without rendering",
        description="Reports syntax errors, unknown filters and tests, missing templates, names that an imported"
        " template does not define, and, if --data or --names lists the available variables, undefined names.",
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="templates, or directories of templates")
    options.add_data_option(check, f"the available variables: {DATA_HELP}")
    check.add_argument("--names", action="append", metavar="A,B", help="names of available variables")
    check.add_argument(
        "--from-jinja2",
        action="store_true",
        help="report what to change in an application that uses Jinja2, also in its Python code, and what differs",
    )
    check.add_argument(
        "--environment",
        metavar="MODULE:NAME",
        help="the application's environment, or a function that returns it: use its filters, tests, globals and"
        " options instead of the options below",
    )
    check.add_argument("--format", choices=("text", "json", "github"), default="text", help="how to report")
    options.add_search_option(check)
    options.add_syntax_options(check)

    compile = commands.add_parser(
        "compile",
        help="compile templates ahead of time",
        description="Compiles templates into the directory OUT. An environment with cache_dir=OUT, the same options"
        " and the same template paths then compiles nothing: it starts faster, and needs no writable directory.",
    )
    compile.add_argument("paths", nargs="*", metavar="PATH", help="directories of templates")
    compile.add_argument(
        "--environment",
        metavar="MODULE:NAME",
        help="the application's environment, or a function that returns it; replaces PATH and the options below",
    )
    compile.add_argument("-o", "--output", metavar="OUT", required=True, help="the directory to write")
    compile.add_argument("-q", "--quiet", action="store_true", help="no summary")
    options.add_syntax_options(compile)

    coverage = commands.add_parser(
        "coverage",
        help="show which lines of templates run",
        description="Renders a template, or the templates of a directory, like render, and shows which of their"
        " lines and branches have run, as counted by coverage.py.",
    )
    coverage.add_argument("template", metavar="PATH", help="a template or a directory")
    options.add_data_option(coverage, f"the variables: {DATA_HELP}")
    coverage.add_argument(
        "--case",
        nargs="+",
        action="append",
        metavar="DATA",
        help="render everything once with these additional variables; may be repeated, to take other branches",
    )
    coverage.add_argument("--html", metavar="DIR", help="write the HTML report into this directory")
    coverage.add_argument(
        "--no-branch", dest="branch", action="store_false", help="count lines only, not branches"
    )
    coverage.add_argument("--skip-covered", action="store_true", help="leave out fully covered files")
    coverage.add_argument(
        "--fail-under",
        type=float,
        default=0.0,
        metavar="N",
        help="exit status 1 if less than N %% is covered",
    )
    options.add_search_option(coverage)
    options.add_run_options(coverage)
    options.add_syntax_options(coverage)

    debug = commands.add_parser(
        "debug",
        help="step through a template while it renders",
        description="Renders a template in a debugger, which stops at its first line. `help` lists the commands:"
        " those of Python's pdb, `output` for the output so far, and `context` for the variables.",
    )
    debug.add_argument("template", metavar="FILE", help="a template")
    options.add_data_option(
        debug, f"the variables: {DATA_HELP.replace(', or - for JSON on standard input', '')}"
    )
    debug.add_argument(
        "-c",
        "--commands",
        action="append",
        default=[],
        metavar="COMMAND",
        help="a command to run first, such as 'break page.html:7'; may be repeated",
    )
    debug.add_argument("-o", "--output", metavar="OUT", help="the file to write when rendering is complete")
    options.add_search_option(debug)
    options.add_run_options(debug)
    options.add_syntax_options(debug)

    show = commands.add_parser(
        "show",
        help="show the compiler's stages for a template",
        description="tokens, tree, ir: the result of that pass. python: the functions that the template is compiled"
        " to, as Python code. lines: which lines are executable (*) and have branches (?).",
    )
    show.add_argument("stage", choices=("tokens", "tree", "ir", "python", "lines"))
    show.add_argument("template", metavar="FILE")
    options.add_syntax_options(show)

    profile = commands.add_parser(
        "profile",
        help="show how much time the lines of a template take",
        description="Renders a template and shows the time of each line, in the template and in the templates that"
        " it includes, imports, extends and calls. The template is rendered once before, so that loading and"
        " compiling are not measured.",
    )
    profile.add_argument("template", metavar="FILE")
    options.add_data_option(profile, f"the variables: {DATA_HELP}")
    options.add_profile_options(profile)
    options.add_search_option(profile)
    options.add_run_options(profile)
    options.add_syntax_options(profile)
    return parser


def silence_stdout() -> None:
    """Redirect standard output to the null device."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is not a file, so flushing it cannot fail
