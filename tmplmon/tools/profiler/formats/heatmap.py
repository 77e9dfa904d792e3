"""A profile as one HTML file: the source of the templates, as warm as its lines took long.

Nothing is loaded from elsewhere. Colours follow the reader's system, light or dark. The few lines of script only
choose what the warmth shows; without them it is the time of the lines themselves.
"""

from html import escape

from tmplmon.tools.profiler.formats.flamegraph import drawing
from tmplmon.tools.profiler.formats.highlight import pieces
from tmplmon.tools.profiler.formats.pagestyle import SCRIPT, STYLE
from tmplmon.tools.profiler.formats.units import base_name, count, duration, heat, label, percent
from tmplmon.tools.profiler.profile import File, Line, Profile
from tmplmon.tools.profiler.tree import Scope

# How many of the hottest lines the page begins with.
_HOTTEST = 8
# How many of the scopes that a line called are shown beside it.
_MOST_CALLS = 3


def heatmap(profile: Profile) -> str:
    """The HTML file."""
    names = {path: f"f{number}" for number, path in enumerate(profile.files)}
    body = [_header(profile), "<main>"]
    if profile.files:
        body += [_hottest(profile, names), _flame(profile), _index(profile, names)]
        body += [_file(profile, file, names) for file in profile.files.values()]
    else:
        body.append("<p class=none>No template ran while the profiler was on.</p>")
    body.append("</main>")
    return (
        '<!DOCTYPE html>\n<html lang="en" data-heat="self"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Template profile: {escape(duration(profile.spent))}</title>\n"
        f"<style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + f"\n<script>{SCRIPT}</script>\n</body></html>\n"
    )


def _header(profile: Profile) -> str:
    each = profile.spent / max(profile.renderings, 1)
    facts = [
        ("in templates", duration(profile.spent)),
        ("rendering" if profile.renderings == 1 else "renderings", f"{profile.renderings:,}"),
        ("each", duration(each)),
        ("lines reached", f"{profile.hits:,}"),
    ]
    if profile.plain is not None:
        facts.insert(3, ("each without the profiler", duration(profile.plain)))
    if profile.threads > 1:
        facts.append(("threads", str(profile.threads)))
    shown = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in facts)
    choices = "".join(
        f'<button data-heat="{kind}"{" aria-pressed=true" if kind == "self" else ""}>{text}</button>'
        for kind, text in (("self", "Self"), ("total", "With calls"), ("hits", "Hits"))
    )
    return (
        f"<header><h1>Template profile</h1><div class=facts>{shown}</div>"
        f'<div class=choice role=group aria-label="What the colours show"><span>Heat</span>{choices}</div></header>'
    )


def _hottest(profile: Profile, names: dict[str, str]) -> str:
    every = [
        (line.own, file, number)
        for file in profile.files.values()
        for number, line in file.lines.items()
        if line.own > 0
    ]
    every.sort(key=lambda item: (-item[0], item[1].path, item[2]))
    most = every[0][0] if every else 0.0
    rows = [
        f'<li><a href="#{names[file.path]}-{number}"><span class=time>{escape(percent(own, profile.spent))}</span>'
        f'<span class=bar><i style="width:{100 * own / most:.1f}%;--heat:{heat(own, most):.3f}"></i></span>'
        f"<span class=place>{escape(base_name(file.path))}:{number}</span>"
        f"{_code(file.text(number).strip())}</a></li>"
        for own, file, number in every[:_HOTTEST]
    ]
    return f"<section class=card><h2>Hottest lines</h2><ol class=hottest>{''.join(rows)}</ol></section>"


def _flame(profile: Profile) -> str:
    return (
        "<section class=card><h2>Who called what <small>blue: a template, block or macro; below it its lines."
        f" Click to look into one, the background to go back</small></h2>{drawing(profile)}</section>"
    )


def _index(profile: Profile, names: dict[str, str]) -> str:
    most = max(file.own for file in profile.files.values())
    rows = []
    for file in profile.files.values():
        share = file.own / most if most else 0.0
        rows.append(
            f'<tr><td><a href="#{names[file.path]}">{escape(file.name)}</a></td>'
            f"<td class=n>{escape(duration(file.own))}</td>"
            f"<td class=n>{escape(percent(file.own, profile.spent))}</td>"
            f'<td class=barcell><span class=bar><i style="width:{100 * share:.1f}%;--heat:{share**0.5:.3f}"></i>'
            "</span></td>"
            f"<td class=n>{escape(duration(file.total))}</td><td class=n>{file.hits:,}</td></tr>"
        )
    return (
        "<section class=card><h2>Templates</h2><table class=index><thead><tr><th>Template"
        "<th class=n>Self<th class=n>"
        f"<th><th class=n>With calls<th class=n>Calls</tr></thead><tbody>{''.join(rows)}</tbody></table></section>"
    )


def _file(profile: Profile, file: File, names: dict[str, str]) -> str:
    last = max([len(file.source), *file.lines])
    hottest = (
        max((line.own for line in file.lines.values()), default=0.0),
        max((line.total for line in file.lines.values()), default=0.0),
        max((line.hits for line in file.lines.values()), default=0),
    )
    share = percent(file.own, profile.spent) or "0%"
    facts = f"{duration(file.own)} self, {share} of all; called {count(file.hits, 'time')}"
    rows = [_row(profile, file, number, hottest, names) for number in range(1, last + 1)]
    return (
        f'<section class="card file" id="{names[file.path]}"><h2>{escape(file.name)} <small>{escape(facts)}'
        "</small></h2><div class=scroll><table class=source><thead><tr><th class=n>Self<th class=n>With calls"
        f"<th class=n>Hits<th class=n>Line<th>Source</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _row(
    profile: Profile, file: File, number: int, hottest: tuple[float, float, int], names: dict[str, str]
) -> str:
    code = _code(file.text(number))
    anchor = f'id="{names[file.path]}-{number}"'
    line = file.lines.get(number)
    if line is None:
        kind = ' class="unrun" title="not reached"' if number in file.executable else ""
        return f"<tr {anchor}{kind}><td><td><td><td class=n>{number}</td><td class=code>{code}</td></tr>"
    own, total, hits = hottest
    style = f"--s:{heat(line.own, own):.3f};--t:{heat(line.total, total):.3f};--h:{heat(line.hits, hits):.3f}"
    each = f"{duration(line.own / line.hits)} each time" if line.hits else "not reached itself"
    title = f"{percent(line.own, profile.spent) or '0%'} of all, {each}"
    calls = _calls(line, names)
    figures = duration(line.own), duration(line.total) if line.calls else "", f"{line.hits:,}", str(number)
    cells = "".join(f"<td class=n>{escape(text)}</td>" for text in figures)
    opened = f'<tr {anchor} class=ran style="{style}" title="{escape(title)}">'
    return f"{opened}{cells}<td class=code>{code}{calls}</td></tr>"


def _calls(line: Line, names: dict[str, str]) -> str:
    """Links to what a line called, that with the most time first."""
    scopes = sorted(line.calls, key=lambda scope: (-line.calls[scope].total, scope.file, scope.name))
    shown = "".join(_called(scope, line, names) for scope in scopes[:_MOST_CALLS])
    rest = scopes[_MOST_CALLS:]
    if rest:
        title = escape("\n".join(label(scope.name, scope.file) for scope in rest))
        shown += f'<span class=more title="{title}">and {len(rest)} more</span>'
    return shown


def _called(scope: Scope, line: Line, names: dict[str, str]) -> str:
    figures = line.calls[scope]
    title = f"called {count(figures.hits, 'time')}, {duration(figures.total)} with what it calls"
    target = f"{names[scope.file]}-{scope.line}" if scope.name != "<template>" else names[scope.file]
    return (
        f'<a class=call href="#{target}" title="{escape(title)}">{escape(label(scope.name, scope.file))}</a>'
    )


def _code(text: str) -> str:
    parts = [
        escape(piece) if kind == "text" else f"<span class={kind}>{escape(piece)}</span>"
        for kind, piece in pieces(text.expandtabs(4))
    ]
    return f"<code>{''.join(parts)}</code>"
