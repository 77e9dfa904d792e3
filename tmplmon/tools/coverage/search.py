"""Templates that could have been rendered: the files to be reported at 0 % if they never were.

Rule: as for Python files, they are those in the folders and packages that the option ``source`` names; without it,
those that ``include`` matches. What is ``omit``ted is not looked at. Which files are templates, the patterns say
(see `settings`), and the templates that were loaded: what is in the same folders is one, if its name ends alike.
"""

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from tmplmon import loaded_files, loaded_folders
from tmplmon.tools.coverage.private import matcher, option
from tmplmon.tools.coverage.settings import IN_FOLDERS, Settings

_SKIPPED = frozenset(("__pycache__", "node_modules", "htmlcov", "site-packages"))


def never_rendered(config: Any, settings: Settings) -> Iterator[str]:
    """The paths of all templates that are to be measured, rendered or not."""
    include = option(config, "run:include") or []
    folders = _folders(config)
    included = (lambda path: True) if folders else matcher(include)
    omitted = matcher(option(config, "run:omit") or [])
    for path in _templates(folders or _beginnings(include), settings):
        if included(path) and not omitted(path):
            yield path


def template_sources(config: Any, settings: Settings) -> list[str]:
    """The folders of the packages to be measured that have templates in them."""
    packages = [name for name in option(config, "run:source") or () if not os.path.isdir(name)]
    packages += option(config, "run:source_pkgs") or ()
    return [
        folder
        for name in packages
        for folder in _package_folders(name)
        if next(_templates([folder], settings), None) is not None
    ]


def _folders(config: Any) -> list[str]:
    sources = [*(option(config, "run:source") or ()), *(option(config, "run:source_dirs") or ())]
    return [os.path.realpath(source) for source in sources if os.path.isdir(source)]


def _package_folders(name: str) -> list[str]:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None or spec.submodule_search_locations is None:
        return []
    return [os.path.realpath(folder) for folder in spec.submodule_search_locations if os.path.isdir(folder)]


def _beginnings(patterns: Iterable[str]) -> list[str]:
    """The folders that patterns begin with; the current one for those that begin with a wildcard."""
    found: set[str] = set()
    for pattern in patterns:
        plain: list[str] = []
        for part in pattern.replace("\\", "/").split("/"):
            if any(sign in part for sign in "*?["):
                break
            plain.append(part)
        folder = os.path.realpath("/".join(plain) or ("/" if pattern.startswith("/") else "."))
        found.add(os.path.dirname(folder) if os.path.isfile(folder) else folder)
    # The file system's root would be searched for a pattern such as /*.html.
    return sorted(folder for folder in found if os.path.isdir(folder) and os.path.dirname(folder) != folder)


def _templates(folders: Iterable[str], settings: Settings) -> Iterator[str]:
    fits = matcher(settings.patterns)
    endings: tuple[str, ...] = ()
    looked_into: tuple[str, ...] = ()
    if settings.by_folder:
        loaded = {os.path.splitext(path)[1] for path in loaded_files()} - {""}
        endings = (*loaded, *(f".{ending}" for ending in IN_FOLDERS))
        looked_into = tuple(os.path.realpath(folder) + os.sep for folder in loaded_folders())
    for folder in folders:
        for where, inner, names in os.walk(folder):
            inner[:] = sorted(
                name
                for name in inner
                if not name.startswith(".")
                and name not in _SKIPPED
                and not _is_made(os.path.join(where, name))
            )
            for name in sorted(names):
                path = os.path.join(where, name)
                if fits(path) or (name.endswith(endings) and path.startswith(looked_into)):
                    yield path


def _is_made(folder: str) -> bool:
    """Whether a folder is a virtual environment or an HTML report."""
    if os.path.exists(os.path.join(folder, "pyvenv.cfg")):
        return True
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8") as file:
            return file.readline().startswith("# Created by coverage.py")
    except (OSError, UnicodeError):
        return False
