"""The text of the files in a profile, and their displayed names.

Rule: the text is read when profiling ends, so that a profile can be shown after a file has changed, or after the
template of a string no longer exists.
"""

import linecache
import os

from tmplmon.monitoring import split_lines


def lines_of(file: str) -> list[str]:
    """The lines of a template without their line ends; an empty list if there is no such file. Files on disk are
    not read by `linecache`, which looks for Python's encoding declarations."""
    try:
        with open(file, encoding="utf-8", errors="replace") as text:
            return split_lines(text.read())
    except (OSError, ValueError):
        entry = linecache.cache.get(file)
        return [line.rstrip("\n") for line in entry[2]] if entry is not None and len(entry) > 2 else []


def shown_name(file: str) -> str:
    """A file as the reader would name it: relative to the current directory if it is below it."""
    here = os.path.join(os.getcwd(), "")
    return file.removeprefix(here)
