"""``tmplmon check``: what is wrong with templates, found without rendering them.

Rule: the engine's own passes find the mistakes (`pipeline`, and the IR that both back ends run), so what is
accepted here is what the engine accepts. Variables are known only if the user says which there are (``--data``,
``--names``); without, names that nothing defines are not reported at all.

Exit status 0: nothing to report; 1: something was; 2: a path does not exist.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator

from tmplmon.cli import names
from tmplmon.cli.data import data_files, read_data
from tmplmon.cli.moving import in_python, in_template, python_files
from tmplmon.cli.options import make_environment
from tmplmon.cli.output import write_stdout
from tmplmon.cli.problems import (
    Problem,
    ProblemFound,
    UsageError,
    github_form,
    json_form,
    short_form,
    shown_path,
)
from tmplmon.cli.project import Project, Unit
from tmplmon.cli.render import locate
from tmplmon.cli.tree import read_tree


def check(args: argparse.Namespace) -> int:
    """The command. Returns the exit status; raises UsageError and ProblemFound."""
    given = _given_names(args)
    problems: list[Problem] = []
    templates = 0
    for search, wanted in _groups(args).items():
        project = Project(make_environment(args, list(search)), list(search))
        units = [unit for name in wanted if (unit := project.unit(name)) is not None]
        project.add_all_referenced()
        templates += len(units)
        for unit in units:
            problems += _of_unit(unit, project)
            if args.from_jinja2:
                problems += in_template(unit, project)
        if given is not None:
            problems += _undefined(units, project, given)
    python = list(python_files(args.paths)) if args.from_jinja2 else []
    for path in python:
        problems += in_python(path)
    problems.sort(key=_place)
    _report(problems, templates, len(python), args.format)
    return 1 if problems else 0


def _place(problem: Problem) -> tuple[str, int, int, int]:
    return problem.path or "", problem.line or 0, problem.column or 0, problem.end_column or 0


def _given_names(args: argparse.Namespace) -> set[str] | None:
    """The variables there will be; None if the user has not said."""
    if not args.data and args.names is None:
        return None
    found = set(read_data(args.data))
    for listed in args.names or ():
        for name in filter(None, (name.strip() for name in listed.split(","))):
            if not name.isidentifier():
                raise UsageError(f"--names: {name!r} is not a name")
            found.add(name)
    return found


def _groups(args: argparse.Namespace) -> dict[tuple[str, ...], list[str]]:
    """Search path → the names of the templates to check there."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in args.paths:
        if os.path.isdir(path):
            search, found = [*args.search, path], _in_directory(path, args)
        elif args.from_jinja2 and path.endswith(".py") and os.path.exists(path):
            continue
        elif os.path.exists(path):
            name, search = locate(path, args.search or [os.path.dirname(path) or "."])
            found = [name]
        else:
            raise UsageError(f"there is no {path}")
        group = groups.setdefault(tuple(search), [])
        group += [name for name in found if name not in group]
    return groups


def _in_directory(path: str, args: argparse.Namespace) -> list[str]:
    """The names of the templates in a directory, those for other templates included."""
    try:
        tree = read_tree(path, tuple(data_files(args.data)))
    except OSError as error:
        problem = Problem(f"cannot read: {error.strerror}", shown_path(error.filename), code="unreadable")
        raise ProblemFound(problem) from None
    return sorted((*tree.templates, *tree.partials))


def _of_unit(unit: Unit, project: Project) -> Iterator[Problem]:
    """All problems of one template but undefined names."""
    if unit.problem is not None:
        yield unit.problem
    if unit.facts is not None:
        environment = project.environment
        yield from names.unknown_calls(unit, environment.filters, environment.tests)
        yield from names.missing_templates(unit, project)
        yield from names.missing_imports(unit, project)


def _undefined(units: list[Unit], project: Project, given: set[str]) -> Iterator[Problem]:
    visible = project.visible()
    alone = project.without_context()
    for unit in units:
        if unit.facts is not None:
            known = {*project.environment.globals, *visible[unit.name]}
            yield from names.undefined_names(unit, known if unit.name in alone else known | given)


def _report(problems: list[Problem], templates: int, python: int, format: str) -> None:
    """python: how many Python files were looked at too."""
    if format == "json":
        document = {"templates": templates, "problems": [json_form(problem) for problem in problems]}
        write_stdout(json.dumps(document, indent=2) + "\n")
        return
    form = github_form if format == "github" else short_form
    write_stdout("".join(f"{form(problem)}\n" for problem in problems))
    if format == "text":
        where = len({problem.path for problem in problems})
        found = (
            f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {where} of " if problems else ""
        )
        end = "" if problems else ", no problems"
        number, noun = templates + python, "file" if python else "template"
        print(f"{found}{number} {noun}{'s' if number != 1 else ''}{end}", file=sys.stderr)
