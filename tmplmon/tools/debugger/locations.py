"""Locations of breakpoints: from the text that a user types to a file and a line with code.

    page.html           the name of a template, or the end of one if it is unique
    templates/page.html a path, relative to the current directory

Rule: the environments of the process know the templates, and a compiled template knows which of its lines
have code. A file without a loaded template is accepted unchecked; its breakpoints are moved when a template
of that file starts to run.
"""

import gc
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tmplmon import Environment, Template, TemplateError


class LocationError(Exception):
    """There is no such template, or no such line with code. The message lists the possibilities."""


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """The file of a template, as in its frames, and the template; None if it has not been loaded."""

    file: str
    template: Template | None


def environments(first: Iterable[Environment] = ()) -> list[Environment]:
    """Return all environments of the process, those in `first` before the others. This scans all objects, so use it
    only for commands that a user types."""
    result = dict.fromkeys(first)
    result.update(dict.fromkeys(obj for obj in gc.get_objects() if issubclass(type(obj), Environment)))
    return [environment for environment in result if not environment.shared]


def find(name: str, first: Iterable[Environment] = ()) -> TemplateFile | None:
    """Return the template with a name or path; None if there is none.

    first: environments to search before the others.

    Raises LocationError if the name is ambiguous, or if the template does not compile.
    """
    known = environments(first)
    is_path = os.path.isabs(name) or name.startswith((f".{os.sep}", f"..{os.sep}"))
    if not is_path:
        for environment in known:
            template = _by_name(environment, name)
            if template is not None:
                return TemplateFile(file_of(template), template)
    if os.path.isfile(name):
        file = os.path.abspath(name)
        return TemplateFile(file, _by_file(file, known))
    return None if is_path else _by_suffix(name, known)


def file_of(template: Template) -> str:
    """Return the file name of a template, as in its frames."""
    return template._file


def lines_with_code(template: Template) -> list[int]:
    """Return the lines of a template that a breakpoint can be on, in order."""
    return [line for line, _ in template.debug_info]


def next_line_with_code(template: Template, line: int) -> int:
    """Return `line` or the first line with code after it. Raises LocationError if there is none."""
    lines = lines_with_code(template)
    target = next((number for number in lines if number >= line), None)
    if target is None:
        name = template.name or template.filename
        last = f"the last one is {lines[-1]}" if lines else "it has none at all"
        raise LocationError(f"{name} has no code on line {line} or after it; {last}")
    return target


def _by_name(environment: Environment, name: str) -> Template | None:
    """Return the template of a name; None if the environment has none."""
    loader = environment.loader
    if loader is None:
        return None
    try:
        loader.get_source(environment, name)
    except Exception:
        return None
    try:
        return environment.get_template(name)
    except TemplateError as error:
        raise LocationError(str(error)) from error


def _by_file(file: str, known: Iterable[Environment]) -> Template | None:
    """Return the template of a file: its name is the end of the path."""
    parts = file.split(os.sep)
    for environment in known:
        for count in range(1, len(parts)):
            template = _by_name(environment, "/".join(parts[-count:]))
            if template is not None and os.path.abspath(file_of(template)) == file:
                return template
    return None


def _by_suffix(suffix: str, known: Iterable[Environment]) -> TemplateFile | None:
    """Return the only template whose name ends in ``/suffix``."""
    matches = {
        (id(environment), name): environment
        for environment, name in _names(known)
        if name.endswith(f"/{suffix}")
    }
    names = sorted({name for _, name in matches})
    if len(names) > 1:
        raise LocationError(f"{suffix!r} could be {', '.join(names)}")
    for (_, name), environment in matches.items():
        template = _by_name(environment, name)
        if template is not None:
            return TemplateFile(file_of(template), template)
    return None


def _names(known: Iterable[Environment]) -> Iterator[tuple[Environment, str]]:
    for environment in known:
        try:
            names = environment.list_templates()
        except (TypeError, OSError):
            continue  # no loader, or one that cannot list its templates
        yield from ((environment, name) for name in names)


def template_names(first: Iterable[Environment] = ()) -> list[str]:
    """Return the names of all templates, for completion."""
    return sorted({name for _, name in _names(environments(first))})
