"""Arguments in, exit status out.

Exit status: 0 done; 1 a problem in a template, its data or its output, which was reported; 2 the command line
asks for what cannot be; 130 interrupted; 141 whoever read the output went away.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from tmplmon.cli import options
from tmplmon.cli.problems import ProblemFound, UsageError, long_form

DATA_HELP = "files (.json, .toml), name=text, name:=json, or - for JSON on standard input; later ones win"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv` (without the program's name; None: the process's own). Returns the exit
    status."""
    parser = make_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as exit:
        return exit.code if isinstance(exit.code, int) else 2
    try:
        status = run(args)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"tmplmon {args.command}: {error}", file=sys.stderr)
        return 2
    except ProblemFound as found:
        print(long_form(found.problem), file=sys.stderr)
        return 1
    except BrokenPipeError:
        # What is still in the buffer would raise again when Python closes it.
        silence_stdout()
        return 141
    except KeyboardInterrupt:
        return 130


def run(args: argparse.Namespace) -> int:
    """Runs a command; each is imported when it is called for."""
    if args.command == "render":
        from tmplmon.cli.render import render

        return render(args)
    if args.command == "check":
        from tmplmon.cli.check import check

        return check(args)
    if args.command == "profile":
        from tmplmon.cli.profile import profile

        return profile(args)
    if args.command == "compile":
        from tmplmon.cli.compile import compile_templates

        return compile_templates(args)
    if args.command == "coverage":
        from tmplmon.cli.coverage import coverage

        return coverage(args)

    if args.command == "debug":
        from tmplmon.cli.debug import debug

        return debug(args)
    from tmplmon.cli.show import show

    return show(args)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tmplmon",
        description="Templates in the Jinja language: render them, check them, look into them.",
    )
    parser.add_argument("--version", action=ShowVersion, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    render = commands.add_parser(
        "render",
        help="render a template, or a directory of them",
        description="Renders a template to standard output or OUT, or a directory into the directory OUT. In a"
        " directory, names that begin with _ are for other templates to use, those with a dot are left out, names"
        f" that end in {' '.join(options.TEMPLATE_ENDS)} are templates, and other files are copied.",
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
        description="Reports syntax errors, unknown filters and tests, templates that are included, imported or"
        " extended but are not there, names that an imported template does not have, and, if --data or --names"
        " tells which variables there are, names that nothing defines.",
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="templates and directories of them")
    options.add_data_option(check, f"the variables there will be: {DATA_HELP}")
    check.add_argument("--names", action="append", metavar="A,B", help="names of variables there will be")
    check.add_argument(
        "--from-jinja2",
        action="store_true",
        help="report what an application that comes from Jinja2 has to change, in Python too, and what differs",
    )
    check.add_argument(
        "--environment",
        metavar="MODULE:NAME",
        help="the application's environment, or a function that makes it: its filters, tests, globals and options"
        " instead of the options below",
    )
    check.add_argument("--format", choices=("text", "json", "github"), default="text", help="how to report")
    options.add_search_option(check)
    options.add_syntax_options(check)

    compile = commands.add_parser(
        "compile",
        help="compile templates ahead, for a deployment",
        description="Compiles templates into the directory OUT. An environment with cache_dir=OUT that is given the"
        " same options, and finds the templates at the same place, compiles nothing then: it starts faster, and can"
        " run where nothing may be written.",
    )
    compile.add_argument("paths", nargs="*", metavar="PATH", help="directories of templates")
    compile.add_argument(
        "--environment",
        metavar="MODULE:NAME",
        help="the application's environment, or a function that makes it; instead of PATH and the options below",
    )
    compile.add_argument("-o", "--output", metavar="OUT", required=True, help="the directory to write")
    compile.add_argument("-q", "--quiet", action="store_true", help="no summary")
    options.add_syntax_options(compile)

    coverage = commands.add_parser(
        "coverage",
        help="show which lines of templates run",
        description="Renders a template, or those of a directory, as render does, and shows which lines and"
        " branches of the templates there were run, with the numbers of coverage.py.",
    )
    coverage.add_argument("template", metavar="PATH", help="a template or a directory")
    options.add_data_option(coverage, f"the variables: {DATA_HELP}")
    coverage.add_argument(
        "--case",
        nargs="+",
        action="append",
        metavar="DATA",
        help="render all once with these variables on top; may be repeated, to take other branches",
    )
    coverage.add_argument("--html", metavar="DIR", help="write the HTML report into this directory")
    coverage.add_argument(
        "--no-branch", dest="branch", action="store_false", help="count lines only, not branches"
    )
    coverage.add_argument("--skip-covered", action="store_true", help="leave out what is covered wholly")
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
        " those of Python's pdb, with `output` for what has been put out so far and `context` for the variables.",
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
        help="a command to begin with, as 'break page.html:7'; may be repeated",
    )
    debug.add_argument("-o", "--output", metavar="OUT", help="the file to write when the page is done")
    options.add_search_option(debug)
    options.add_run_options(debug)
    options.add_syntax_options(debug)

    show = commands.add_parser(
        "show",
        help="show what the engine makes of a template",
        description="tokens, tree, ir: what each pass makes of the template. python: the functions it is"
        " compiled to, as Python. lines: which lines are executable (*) and have branches (?).",
    )
    show.add_argument("stage", choices=("tokens", "tree", "ir", "python", "lines"))
    show.add_argument("template", metavar="FILE")
    options.add_syntax_options(show)

    profile = commands.add_parser(
        "profile",
        help="show which lines of a template take how long",
        description="Renders a template and shows where the time goes: by line, in the template and in what it"
        " includes, imports, extends and calls. It is rendered before, so that the time to load and to compile"
        " templates is not in the figures.",
    )
    profile.add_argument("template", metavar="FILE")
    options.add_data_option(profile, f"the variables: {DATA_HELP}")
    options.add_profile_options(profile)
    options.add_search_option(profile)
    options.add_run_options(profile)
    options.add_syntax_options(profile)
    return parser


class ShowVersion(argparse.Action):
    """``--version``. argparse's own wants the version when the parser is made, which would cost every command the
    20 ms that the import of `importlib.metadata` takes."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **more)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"tmplmon {version('tmplmon')}")
        except PackageNotFoundError:
            print("tmplmon, not installed")
        parser.exit()


def silence_stdout() -> None:
    """Sends what is written to standard output from now on to nowhere."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
    except (OSError, ValueError, AttributeError):
        pass  # not a file: nothing is left to fail
