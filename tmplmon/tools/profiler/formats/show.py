"""The formats by name, and by the ends of file names."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tmplmon.tools.profiler.profile import Profile

# Name → the module, which has a function of the same name; the ends of file names; what it is for.
FORMATS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "table": ("table", (".txt",), "for a terminal"),
    "html": ("heatmap", (".html", ".htm"), "the templates as a heat map, one file for a browser"),
    "svg": ("flamegraph", (".svg",), "a flame graph, one file for a browser"),
    "speedscope": ("speedscope", (".speedscope.json", ".speedscope"), "for speedscope.app"),
    "json": ("document", (".json",), "all figures, for programs"),
    "collapsed": (
        "collapsed",
        (".collapsed", ".folded"),
        "stacks with their microseconds, for flame graph tools",
    ),
}


def show(profile: "Profile", format: str, **options: Any) -> str:
    """A profile in a format. Raises ValueError for one that there is not."""
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    name = FORMATS[format][0]
    text: str = getattr(import_module(f"tmplmon.tools.profiler.formats.{name}"), name)(profile, **options)
    return text


def format_of(path: str) -> str:
    """The format that a file's name ends with. Raises ValueError if it ends with none."""
    for name, (_, ends, _) in FORMATS.items():
        if path.lower().endswith(ends) and not (name == "json" and path.lower().endswith(".speedscope.json")):
            return name
    known = " ".join(end for _, ends, _ in FORMATS.values() for end in ends)
    raise ValueError(f"{path}: the name must end in one of {known}, or a format be given")
