"""``tmplmon coverage``: shows which lines of templates ran, without a test suite.

Rule: templates are rendered as ``tmplmon render`` does it, and the output is discarded. coverage.py counts
the lines with the plugin `tmplmon.tools.coverage`. A template that fails is reported; the lines that it
reached count.
"""

import argparse
import os
import sys
from typing import Any

from tmplmon.cli.data import data_files, read_data
from tmplmon.cli.options import TEMPLATE_ENDS, make_environment
from tmplmon.cli.problems import Problem, ProblemFound, UsageError, from_exception, long_form, shown_path
from tmplmon.cli.render import locate, read_directory


def coverage(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError or ProblemFound."""
    try:
        from coverage import Coverage
    except ImportError:
        raise UsageError("coverage.py is not installed; pip install 'tmplmon[coverage]'") from None
    contexts = [read_data([*args.data, *case]) for case in args.case or [[]]]
    names, search = _templates(args)
    environment = make_environment(args, search)
    counter = Coverage(data_file=None, config_file=False, branch=args.branch, source=search)
    patterns = [f"*{end}" for end in TEMPLATE_ENDS]
    single = os.path.isfile(args.template)
    counter.set_option("run:plugins", ["tmplmon"])
    # Files that count even if they are never run: the single template, or all templates of the directory.
    counter.set_option("tmplmon:patterns", [os.path.abspath(args.template)] if single else patterns)
    counter.set_option("tmplmon:extensions", [*environment.extensions])
    counter.set_option("run:omit", [os.path.abspath(args.html) + "/*"] if args.html else [])
    with counter.collect():
        failed = _render_all(environment, names, contexts, search)
    return max(_report(counter, args, [] if single else patterns), failed)


def _templates(args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the names of the templates to render, and the search path for the loader."""
    path = args.template
    items = [*args.data, *(item for case in args.case or () for item in case)]
    if os.path.isdir(path):
        tree = read_directory(path, tuple(data_files(items)))
        if not tree.templates:
            raise UsageError(f"there are no templates to render in {path}")
        return tree.templates, [path, *args.search]
    if not os.path.exists(path):
        raise UsageError(f"there is no {path}")
    name, search = locate(path, args.search)
    return [name], search


def _render_all(environment: Any, names: list[str], contexts: list[dict[str, Any]], search: list[str]) -> int:
    failed = False
    reported: set[str] = set()
    for name in names:
        for context in contexts:
            try:
                environment.get_template(name).render(context)
            except Exception as error:
                failed = True
                text = long_form(from_exception(error))
                if text not in reported:
                    reported.add(text)
                    print(text, file=sys.stderr)
    return int(failed)


def _report(counter: Any, args: argparse.Namespace, patterns: list[str]) -> int:
    """Print the table and write the HTML report. Returns 1 if the coverage is below ``--fail-under``.

    patterns: the files to report; other files in the directories are left out. Empty: all measured files.
    """
    from coverage import CoverageException

    try:
        total = counter.report(show_missing=True, include=patterns, skip_covered=args.skip_covered)
        if args.html:
            counter.html_report(directory=args.html, include=patterns, title="Template coverage")
            print(f"HTML report: {shown_path(os.path.join(args.html, 'index.html'))}")
    except BrokenPipeError:
        raise
    except (CoverageException, OSError) as error:
        raise ProblemFound(Problem(f"no report: {error}")) from error
    if total < args.fail_under:
        print(f"{total:.0f} % is covered, less than {args.fail_under:g} %", file=sys.stderr)
        return 1
    return 0
