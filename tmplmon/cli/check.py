"""``tmplmon check``: finds mistakes in templates without rendering them.

Rule: the engine's own passes find the mistakes (`pipeline`, and the IR that both back ends run), so `check` accepts
exactly what the engine accepts. Undefined names are reported only if the user lists the available variables
(``--data``, ``--names``).

Exit status 0: no problems; 1: at least one problem; 2: a path does not exist.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator

from tmplmon.cli import names
from tmplmon.cli.data import data_files, read_data
from tmplmon.cli.moving import check_python, check_template, python_files
from tmplmon.cli.options import make_environment
from tmplmon.cli.output import plural, write_stdout
from tmplmon.cli.problems import (
    Problem,
    UsageError,
    github_form,
    json_form,
    short_form,
)
from tmplmon.cli.project import Project, Unit
from tmplmon.cli.render import locate, read_directory
from tmplmon.cli.ways import HOW, Reasons


def check(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError or ProblemFound."""
    variables = _variables(args)
    problems: list[Problem] = []
    templates = 0
    for search, names_to_check in _group_by_search_path(args).items():
        project = Project(make_environment(args, list(search)), list(search))
        units = [unit for name in names_to_check if (unit := project.unit(name)) is not None]
        project.add_all_referenced()
        templates += len(units)
        for unit in units:
            problems += _check_unit(unit, project)
            if args.from_jinja2:
                problems += check_template(unit)
        if variables is not None:
            problems += _undefined_names(units, project, variables)
    python = list(python_files(args.paths)) if args.from_jinja2 else []
    reasons = Reasons()
    for path in python:
        problems += check_python(path, reasons)
    problems.sort(key=_position)
    _report(problems, templates, len(python), args.format, reasons if args.from_jinja2 else None)
    return 1 if problems else 0


def _position(problem: Problem) -> tuple[str, int, int, int]:
    return problem.path or "", problem.line or 0, problem.column or 0, problem.end_column or 0


def _variables(args: argparse.Namespace) -> set[str] | None:
    """The variables that the user says will exist; None if neither ``--data`` nor ``--names`` is used."""
    if not args.data and args.names is None:
        return None
    variables = set(read_data(args.data))
    for names_list in args.names or ():
        for name in filter(None, (name.strip() for name in names_list.split(","))):
            if not name.isidentifier():
                raise UsageError(f"--names: {name!r} is not a name")
            variables.add(name)
    return variables


def _group_by_search_path(args: argparse.Namespace) -> dict[tuple[str, ...], list[str]]:
    """Search path → the names of the templates to check there."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in args.paths:
        if os.path.isdir(path):
            tree = read_directory(path, tuple(data_files(args.data)))
            search, templates = [*args.search, path], sorted((*tree.templates, *tree.partials))
        elif args.from_jinja2 and path.endswith(".py") and os.path.exists(path):
            continue
        elif os.path.exists(path):
            name, search = locate(path, args.search)
            templates = [name]
        else:
            raise UsageError(f"there is no {path}")
        group = groups.setdefault(tuple(search), [])
        group += [name for name in templates if name not in group]
    return groups


def _check_unit(unit: Unit, project: Project) -> Iterator[Problem]:
    """Yield the problems of one template, except undefined names."""
    if unit.problem is not None:
        yield unit.problem
    if unit.facts is not None:
        environment = project.environment
        yield from names.unknown_calls(unit, environment.filters, environment.tests)
        yield from names.missing_templates(unit, project)
        yield from names.missing_imports(unit, project)


def _undefined_names(units: list[Unit], project: Project, variables: set[str]) -> Iterator[Problem]:
    visible = project.visible()
    isolated = project.without_context()
    for unit in units:
        if unit.facts is not None:
            known = {*project.environment.globals, *visible[unit.name]}
            yield from names.undefined_names(unit, known if unit.name in isolated else known | variables)


def _report(
    problems: list[Problem], templates: int, python: int, format: str, reasons: Reasons | None
) -> None:
    """Print the problems and a summary. `templates` and `python` are the numbers of files that were checked.
    reasons: for the way that fits the application, with ``--from-jinja2``."""
    way, why = ("", []) if reasons is None else reasons.way()
    if format == "json":
        document: dict[str, object] = {
            "templates": templates,
            "problems": [json_form(problem) for problem in problems],
        }
        if way:
            document["way"] = {"name": way, "how": HOW[way], "reasons": why}
        write_stdout(json.dumps(document, indent=2) + "\n")
        return
    form = github_form if format == "github" else short_form
    write_stdout("".join(f"{form(problem)}\n" for problem in problems))
    if format == "text":
        files = len({problem.path for problem in problems})
        before = f"{plural(len(problems), 'problem')} in {files} of " if problems else ""
        after = "" if problems else ", no problems"
        total = plural(templates + python, "file" if python else "template")
        print(f"{before}{total}{after}", file=sys.stderr)
        if way and python:
            print(f"way: {way}: {HOW[way]}", *why, sep="\n  because ", file=sys.stderr)
