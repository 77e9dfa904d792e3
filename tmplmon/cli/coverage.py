"""``tmplmon coverage``: which lines of templates ran, without a test suite.

Rule: it renders as ``tmplmon render`` does, the output goes nowhere, and coverage.py does the counting: the numbers
are those of the plugin. A template that fails is reported and the lines it reached count.
"""

import argparse
import os
import sys
from typing import Any

from tmplmon.cli.data import data_files, read_data
from tmplmon.cli.options import TEMPLATE_ENDS, make_environment
from tmplmon.cli.problems import Problem, ProblemFound, UsageError, from_exception, long_form, shown_path
from tmplmon.cli.render import locate
from tmplmon.cli.tree import read_tree


def coverage(args: argparse.Namespace) -> int:
    """The command. Returns the exit status; raises UsageError and ProblemFound."""
    try:
        from coverage import Coverage
    except ImportError:
        raise UsageError("coverage.py is not installed; pip install 'tmplmon[coverage]'") from None
    contexts = [read_data([*args.data, *case]) for case in args.case or [[]]]
    names, search = _what(args)
    environment = make_environment(args, search)
    counter = Coverage(data_file=None, config_file=False, branch=args.branch, source=search)
    patterns = [f"*{end}" for end in TEMPLATE_ENDS]
    single = os.path.isfile(args.template)
    counter.set_option("run:plugins", ["tmplmon"])
    # What counts although it does not run: all templates of a directory, and no others beside a single one.
    counter.set_option("tmplmon:patterns", [os.path.abspath(args.template)] if single else patterns)
    counter.set_option("tmplmon:extensions", [*environment.extensions])
    counter.set_option("run:omit", [os.path.abspath(args.html) + "/*"] if args.html else [])
    with counter.collect():
        failed = _render_all(environment, names, contexts, search)
    return max(_report(counter, args, [] if single else patterns), failed)


def _what(args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The names of the templates to render, and where a loader finds them."""
    path = args.template
    items = [*args.data, *(item for case in args.case or () for item in case)]
    if os.path.isdir(path):
        try:
            tree = read_tree(path, tuple(data_files(items)))
        except OSError as error:
            problem = Problem(f"cannot read: {error.strerror}", shown_path(error.filename))
            raise ProblemFound(problem) from None
        if not tree.templates:
            raise UsageError(f"there are no templates to render in {path}")
        return tree.templates, [path, *args.search]
    if not os.path.exists(path):
        raise UsageError(f"there is no {path}")
    name, search = locate(path, args.search or [os.path.dirname(path) or "."])
    return [name], search


def _render_all(environment: Any, names: list[str], contexts: list[dict[str, Any]], search: list[str]) -> int:
    failed = False
    told: set[str] = set()
    for name in names:
        for context in contexts:
            try:
                environment.get_template(name).render(context)
            except Exception as error:
                failed = True
                text = long_form(from_exception(error, search))
                if text not in told:
                    told.add(text)
                    print(text, file=sys.stderr)
    return int(failed)


def _report(counter: Any, args: argparse.Namespace, patterns: list[str]) -> int:
    """Prints the table and writes the HTML report. Status 1 if too little is covered. `patterns`: what else than
    templates the folders may have is left out."""
    from coverage import CoverageException

    try:
        total = counter.report(show_missing=True, include=patterns, skip_covered=args.skip_covered)
        if args.html:
            counter.html_report(directory=args.html, include=patterns, title="Template coverage")
            print(f"HTML report: {shown_path(os.path.join(args.html, 'index.html'))}")
    except (CoverageException, OSError) as error:
        raise ProblemFound(Problem(f"no report: {error}")) from error
    if total < args.fail_under:
        print(f"{total:.0f} % is covered, less than {args.fail_under:g} %", file=sys.stderr)
        return 1
    return 0
