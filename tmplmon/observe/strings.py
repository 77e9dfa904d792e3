"""The files of templates that an application passes to Jinja2 as strings.

dbt, Ansible and transformers read the files of templates themselves. Jinja2 gets the text without a name.

Rule: such a text is searched in the files of folders that the user has named. It is that of a file if it is the
whole content of one, or if it begins with a tag at the start of a line of one, as a macro does. If several places
have it, it is that of none.
"""

import os
from collections.abc import Iterable, Iterator

_SKIPPED = frozenset(("__pycache__", "node_modules", "htmlcov", "site-packages"))
_LARGEST = 1 << 18  # bytes of a file

_folders: list[str] = []
# File → its text. None until it is first needed, and again when folders are added.
_texts: dict[str, str] | None = None
_places: dict[str, tuple[str, int] | None] = {}


def add_folders(folders: Iterable[str]) -> None:
    """Search in these folders, too."""
    global _texts
    for folder in folders:
        path = os.path.realpath(folder)
        if path not in _folders and os.path.isdir(path):
            _folders.append(path)
            _texts = None
            _places.clear()


def find(text: str) -> tuple[str, int] | None:
    """The file that a text is in, and the number of lines before it; None if there is no such file."""
    global _texts
    if not _folders or not text.strip():
        return None
    if _texts is None:
        _texts = dict(_read(_folders))
    if text not in _places:
        places = [place for file, content in _texts.items() for place in _places_in(file, content, text)]
        _places[text] = places[0] if len(places) == 1 else None
    return _places[text]


def _places_in(file: str, content: str, text: str) -> Iterator[tuple[str, int]]:
    if content.strip() == text.strip():
        yield file, _blank_lines(content) - _blank_lines(text)
    elif text.startswith("{%"):
        start = content.find(text)
        while start >= 0:
            if start == 0 or content[start - 1] == "\n":
                yield file, content.count("\n", 0, start)
            start = content.find(text, start + 1)


def _blank_lines(text: str) -> int:
    return text.count("\n", 0, len(text) - len(text.lstrip()))


def _read(folders: list[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for parent, subfolders, names in os.walk(folder):
            subfolders[:] = sorted(
                name
                for name in subfolders
                if not name.startswith(".")
                and name not in _SKIPPED
                and not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))
            )
            for name in sorted(names):
                path = os.path.join(parent, name)
                if not name.endswith((".py", ".pyc")):
                    try:
                        if os.path.getsize(path) <= _LARGEST:
                            with open(path, encoding="utf-8") as file:
                                yield path, file.read()
                    except (OSError, UnicodeDecodeError):
                        continue
