"""Where a breakpoint can be: from what a person writes to a file and a line with code.

    page.html           a template's name; the end of one, if no other ends so
    templates/page.html a path, from the current directory

Rule: the environments that there are know which templates there are, and a compiled template knows which of its
lines have code. A file that no environment has a template of yet is taken as it is; its breakpoints are put right
when a template of it begins to run.
"""

import gc
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tmplmon import Environment, Template, TemplateError


class NoPlace(Exception):
    """There is no such template, or no such line with code. The message says what there is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A template's file as frames have it, and the template; None if it has not been loaded."""

    file: str
    template: Template | None


def environments(first: Iterable[Environment] = ()) -> list[Environment]:
    """All environments of the process, those in `first` first. Looks through everything there is: for a command
    that a person gives."""
    found = dict.fromkeys(first)
    found.update(dict.fromkeys(thing for thing in gc.get_objects() if issubclass(type(thing), Environment)))
    return [each for each in found if not each.shared]


def find(what: str, first: Iterable[Environment] = ()) -> Place | None:
    """The template of a name or path; None if nothing is known of it.

    first: environments to ask before the others. Raises NoPlace if several templates could be meant, or if the
    one that is cannot be compiled.
    """
    known = environments(first)
    is_path = os.path.isabs(what) or what.startswith((f".{os.sep}", f"..{os.sep}"))
    if not is_path:
        for environment in known:
            template = _named(environment, what)
            if template is not None:
                return Place(file_of(template), template)
    if os.path.isfile(what):
        file = os.path.abspath(what)
        return Place(file, _of_file(file, known))
    return None if is_path else _ending(what, known)


def file_of(template: Template) -> str:
    """The name of a template's file, as frames have it."""
    return template._file


def lines_with_code(template: Template) -> list[int]:
    """The lines of a template that a breakpoint can be on, in order."""
    return [line for line, _ in template.debug_info]


def snapped(template: Template, line: int) -> int:
    """The first line with code from a line on. Raises NoPlace if there is none."""
    lines = lines_with_code(template)
    found = next((each for each in lines if each >= line), None)
    if found is None:
        name = template.name or template.filename
        last = f"the last one is {lines[-1]}" if lines else "it has none at all"
        raise NoPlace(f"{name} has no code on line {line} or after it; {last}")
    return found


def _named(environment: Environment, name: str) -> Template | None:
    """The template of a name; None if the environment has none."""
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
        raise NoPlace(str(error)) from error


def _of_file(file: str, known: Iterable[Environment]) -> Template | None:
    """The template of a file: its name is an end of its path."""
    parts = file.split(os.sep)
    for environment in known:
        for count in range(1, len(parts)):
            template = _named(environment, "/".join(parts[-count:]))
            if template is not None and os.path.abspath(file_of(template)) == file:
                return template
    return None


def _ending(what: str, known: Iterable[Environment]) -> Place | None:
    """The one template whose name ends in what was written."""
    found = {(id(environment), name): environment for environment, name in _names(known) if _ends(name, what)}
    names = sorted({name for _, name in found})
    if len(names) > 1:
        raise NoPlace(f"{what!r} could be {', '.join(names)}")
    for (_, name), environment in found.items():
        template = _named(environment, name)
        if template is not None:
            return Place(file_of(template), template)
    return None


def _ends(name: str, what: str) -> bool:
    return name.endswith(f"/{what}")


def _names(known: Iterable[Environment]) -> Iterator[tuple[Environment, str]]:
    for environment in known:
        try:
            names = environment.list_templates()
        except (TypeError, OSError):
            continue  # no loader, or one that cannot tell
        yield from ((environment, name) for name in names)


def template_names(first: Iterable[Environment] = ()) -> list[str]:
    """The names of all templates there are, for completion."""
    return sorted({name for _, name in _names(environments(first))})
