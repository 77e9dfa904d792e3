"""A profile for a terminal: the files, and below each its hottest lines (or all that ran), with the source.

The table fits the width; columns that say nothing (a total that is the self everywhere) are left out.
"""

from tmplmon.tools.profiler.formats.units import count, duration, heat, label, percent
from tmplmon.tools.profiler.profile import Figures, File, Line, Profile

SORTS = ("self", "total", "hits", "line")

# Of the 256 colours: from what is hardly warm to what is hot.
_HEAT = (None, 179, 215, 208, 202, 196)
_TAG, _OUTPUT, _COMMENT = 75, 114, 244


def table(
    profile: Profile, *, sort: str = "self", top: int = 20, color: bool = False, width: int = 100
) -> str:
    """sort: the order of lines, by one of `SORTS`. top: how many lines in all, 0: every line that ran.
    color: with the escape sequences of terminals. width: of the terminal, in columns."""
    if sort not in SORTS:
        raise ValueError(f"lines are sorted by {', '.join(SORTS)}, not by {sort!r}")
    if not profile.files:
        return "No template ran.\n"
    paint = _Paint(color)
    parts = [_head(profile, paint)]
    chosen = _chosen(profile, sort, top)
    with_total = any(
        profile.files[path].lines[number].calls for path, numbers in chosen.items() for number in numbers
    )
    for path, file in profile.files.items():
        rows = [(number, file.lines[number]) for number in chosen.get(path, ())]
        if rows:
            parts.append(_file(profile, file, rows, with_total, paint, width))
    total = sum(len(file.lines) for file in profile.files.values())
    shown = sum(map(len, chosen.values()))
    if shown < total:
        parts.append(paint.dim(f"{shown} of {count(total, 'line')} that ran; --top 0 shows all") + "\n")
    return "\n".join(parts)


def _head(profile: Profile, paint: "_Paint") -> str:
    renderings = max(profile.renderings, 1)
    lines = f"{count(profile.hits, 'line')} in {count(len(profile.files), 'template')}"
    text = f"{count(profile.renderings, 'rendering')}, {lines}: {paint.bold(duration(profile.spent))}"
    if renderings > 1:
        text += f", {duration(profile.spent / renderings)} each"
    if profile.plain is not None:
        text += paint.dim(f" ({duration(profile.plain)} without the profiler)")
    return text + "\n"


def _chosen(profile: Profile, sort: str, top: int) -> dict[str, list[int]]:
    """Path → its lines, in the order in which they are shown."""
    every = [
        (path, number, line) for path, file in profile.files.items() for number, line in file.lines.items()
    ]
    by = {
        "self": lambda item: (-item[2].own, item[0], item[1]),
        "total": lambda item: (-item[2].total, item[0], item[1]),
        "hits": lambda item: (-item[2].hits, item[0], item[1]),
    }
    every.sort(key=by.get(sort, by["self"]))
    chosen: dict[str, list[int]] = {}
    for path, number, _ in every[: top or None]:
        chosen.setdefault(path, []).append(number)
    if sort == "line":
        for numbers in chosen.values():
            numbers.sort()
    return chosen


def _file(
    profile: Profile, file: File, rows: list[tuple[int, Line]], with_total: bool, paint: "_Paint", width: int
) -> str:
    whole = profile.spent
    heads = ["self", "%", *(["total", "%"] if with_total else []), "hits", "line"]
    grid = []
    for number, line in rows:
        cells = [duration(line.own), percent(line.own, whole)]
        if with_total:
            cells += [duration(line.total), percent(line.total, whole)]
        grid.append([*cells, f"{line.hits:,}" if line.hits else "", str(number)])
    widths = [max(len(row[i]) for row in [heads, *grid]) for i in range(len(heads))]
    out = [f"{paint.bold(file.name)}  {_of(file, whole)}"]
    out.append(paint.dim("  ".join(head.rjust(size) for head, size in zip(heads, widths, strict=True))))
    room = max(width - sum(widths) - 2 * len(widths) - 2, 20)
    for (number, line), row in zip(rows, grid, strict=True):
        cells = [cell.rjust(size) for cell, size in zip(row, widths, strict=True)]
        warm = heat(line.own, max(each.own for each in file.lines.values())) * _share(line, whole)
        cells[:2] = [paint.heat(cell, warm) for cell in cells[:2]]
        text = file.text(number).expandtabs(4).strip()
        calls = ", ".join(label(scope.name, scope.file) for scope in line.calls)
        if calls:
            text = f"{text}  → {calls}"
        text = text if len(text) <= room else text[: room - 1] + "…"
        out.append("  ".join(cells) + paint.dim(" │ ") + paint.source(text))
    return "\n".join(out) + "\n"


def _share(line: Line, whole: float) -> float:
    """Lines of a file that takes next to no time are not hot, however they compare with one another."""
    return min(1.0, 20 * line.own / whole) if whole else 0.0


def _of(file: Figures, whole: float) -> str:
    text = f"{duration(file.own)} self ({percent(file.own, whole) or '0%'})"
    return text if file.total == file.own else f"{text}, {duration(file.total)} total"


class _Paint:
    """Escape sequences, or none."""

    def __init__(self, on: bool) -> None:
        self.on = on

    def _with(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on else text

    def bold(self, text: str) -> str:
        return self._with("1", text)

    def dim(self, text: str) -> str:
        return self._with("2", text)

    def heat(self, text: str, warm: float) -> str:
        color = _HEAT[min(int(warm * len(_HEAT)), len(_HEAT) - 1)]
        return text if color is None else self._with(f"38;5;{color}", text)

    def source(self, text: str) -> str:
        """A template's line with its tags coloured."""
        if not self.on:
            return text
        from tmplmon.tools.profiler.formats.highlight import pieces

        colors = {"tag": _TAG, "output": _OUTPUT, "comment": _COMMENT}
        return "".join(
            self._with(f"38;5;{colors[kind]}", piece) if kind in colors else piece
            for kind, piece in pieces(text)
        )
