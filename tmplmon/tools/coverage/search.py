"""Finds the templates that could have been rendered: they are reported as 0 % covered if they never were.

Rule: as for Python files, they are searched in the folders and packages of the option ``source``; without it,
by the patterns of ``include``. Files that match ``omit`` are skipped. A file is a template if it matches the
patterns (see `settings`), or if it is in a folder of a loader and has the extension of a loaded template.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from tmplmon import loaded_files, loaded_folders
from tmplmon.monitoring.coverage import option
from tmplmon.tools.coverage.private import matcher
from tmplmon.tools.coverage.settings import IN_FOLDERS, Settings

_SKIPPED = frozenset(("__pycache__", "node_modules", "htmlcov", "site-packages"))


def never_rendered(config: Any, settings: Settings) -> Iterator[str]:
    """Yield the paths of all templates to be measured, rendered or not."""
    folders = _folders(config)
    is_selected = selector(config)
    for path in _templates(folders or _fixed_folders(option(config, "run:include") or []), settings):
        if is_selected(path):
            yield path


def selector(config: Any) -> Callable[[str], bool]:
    """Return a function that tells whether a file, given by its absolute path, is to be measured: it is in a
    folder of ``source``, or else matches ``include``, and does not match ``omit``."""
    folders = tuple(os.path.join(folder, "") for folder in _folders(config))
    included = matcher(option(config, "run:include") or [])
    omitted = matcher(option(config, "run:omit") or [])
    return lambda path: (path.startswith(folders) if folders else included(path)) and not omitted(path)


def template_sources(config: Any, settings: Settings) -> list[str]:
    """Return the folders of measured packages that contain templates."""
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


def _fixed_folders(patterns: Iterable[str]) -> list[str]:
    """Return the folders before the first wildcard of each pattern; "." for a pattern that begins with
    one."""
    folders: set[str] = set()
    for pattern in patterns:
        fixed: list[str] = []
        for part in pattern.replace("\\", "/").split("/"):
            if any(sign in part for sign in "*?["):
                break
            fixed.append(part)
        folder = os.path.realpath("/".join(fixed) or ("/" if pattern.startswith("/") else "."))
        folders.add(os.path.dirname(folder) if os.path.isfile(folder) else folder)
    # A pattern such as /*.html would search the whole file system.
    return sorted(folder for folder in folders if os.path.isdir(folder) and os.path.dirname(folder) != folder)


def _templates(folders: Iterable[str], settings: Settings) -> Iterator[str]:
    matches = matcher(settings.patterns)
    extensions: tuple[str, ...] = ()
    loader_folders: tuple[str, ...] = ()
    if settings.by_folder:
        loaded = {os.path.splitext(path)[1] for path in loaded_files()} - {""}
        extensions = (*loaded, *(f".{extension}" for extension in IN_FOLDERS))
        loader_folders = tuple(os.path.realpath(folder) + os.sep for folder in loaded_folders())
    for folder in folders:
        for parent, subfolders, names in os.walk(folder):
            subfolders[:] = sorted(
                name
                for name in subfolders
                if not name.startswith(".")
                and name not in _SKIPPED
                and not _is_generated(os.path.join(parent, name))
            )
            for name in sorted(names):
                path = os.path.join(parent, name)
                if matches(path) or (name.endswith(extensions) and path.startswith(loader_folders)):
                    yield path


def _is_generated(folder: str) -> bool:
    """Whether a folder is a virtual environment or an HTML report."""
    if os.path.exists(os.path.join(folder, "pyvenv.cfg")):
        return True
    try:
        with open(os.path.join(folder, ".gitignore"), encoding="utf-8") as file:
            return file.readline().startswith("# Created by coverage.py")
    except (OSError, UnicodeError):
        return False
