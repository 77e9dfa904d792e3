"""A flame graph as one SVG file: what was called, from where, as wide as it took long.

Two kinds of boxes take turns downwards: a scope, and below it the lines of it that took time; below a line are the
scopes that it called. Each has a title with its figures. A click makes a box as wide as the graph, a click on
the background or Escape goes back; without scripts the picture and its titles are still there.
"""

from dataclasses import dataclass, field
from html import escape

from tmplmon.tools.profiler.formats.units import count, duration, heat, label, percent
from tmplmon.tools.profiler.profile import Profile
from tmplmon.tools.profiler.tree import Node

WIDTH, ROW, MARGIN, HEAD = 1200, 20, 10, 44
# Boxes narrower than this many pixels are left out, and so is what is below them.
_NARROWEST = 0.3
_LETTER = 6.6  # the width of a letter of the font, at 11 px

STYLE = """
.flame { background: var(--flame-paper, #fff); font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  --ink: #1f2328; --dim: #656d76; --edge: #fff; }
.flame text { fill: var(--ink); pointer-events: none; }
.flame .head { font: 600 15px system-ui, sans-serif; }
.flame .note { font: 12px system-ui, sans-serif; fill: var(--dim); }
.flame rect { stroke: var(--edge); stroke-width: .6; }
.flame g.box { cursor: pointer; }
.flame g.box:hover rect { stroke: var(--ink); stroke-width: 1.2; }
.flame .scope rect { fill: #b6ccf2; }
.flame .line rect { fill: hsl(calc(48 - 34 * var(--heat)) 92% calc(84% - 16% * var(--heat))); }
.flame .faded { opacity: .45; }
@media (prefers-color-scheme: dark) {
  .flame { background: var(--flame-paper, #0d1117); --ink: #e6edf3; --dim: #9198a1; --edge: #0d1117; }
  .flame .scope rect { fill: #2c4a7c; }
  .flame .line rect { fill: hsl(calc(44 - 32 * var(--heat)) 72% calc(24% + 12% * var(--heat))); }
}
"""

# Boxes have their place in fractions of the width; zooming maps the fractions of one box to the whole.
_SCRIPT = """
for (const flame of document.querySelectorAll('.flame')) {
  const boxes = [...flame.querySelectorAll('g.box')], inner = INNER, margin = MARGIN;
  const show = (from, share) => {
    for (const box of boxes) {
      const [at, part] = [+box.dataset.at, +box.dataset.part];
      const left = Math.max(0, (at - from) / share), right = Math.min(1, (at + part - from) / share);
      const width = (right - left) * inner, text = box.querySelector('text');
      box.style.display = width < NARROWEST ? 'none' : '';
      box.classList.toggle('faded', part > share * 1.0000001);
      box.querySelector('rect').setAttribute('x', margin + left * inner);
      box.querySelector('rect').setAttribute('width', Math.max(width, 0));
      text.setAttribute('x', margin + left * inner + 4);
      const room = Math.floor((width - 7) / LETTER), name = box.dataset.name;
      text.textContent = room < 3 ? '' : name.length <= room ? name : name.slice(0, room - 1) + '\\u2026';
    }
  };
  flame.addEventListener('click', event => {
    const box = event.target.closest('g.box');
    box ? show(+box.dataset.at, +box.dataset.part) : show(0, 1);
  });
  document.addEventListener('keydown', event => { if (event.key === 'Escape') show(0, 1); });
}
"""
SCRIPT = (
    _SCRIPT.replace("INNER", str(WIDTH - 2 * MARGIN))
    .replace("MARGIN", str(MARGIN))
    .replace("NARROWEST", str(_NARROWEST))
    .replace("LETTER", str(_LETTER))
)


@dataclass(slots=True)
class Box:
    """kind: "scope" or "line". at, part: where it begins and how wide it is, as fractions. row: counted from 0."""

    kind: str
    name: str
    title: str
    at: float
    part: float
    row: int
    heat: float = 0.0


@dataclass(slots=True)
class _Pending:
    nodes: list[Node] = field(default_factory=list)
    at: float = 0.0
    row: int = 0


def flamegraph(profile: Profile) -> str:
    """The SVG file."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + drawing(profile, with_head=True) + "\n"


def drawing(profile: Profile, with_head: bool = False) -> str:
    """The ``<svg>`` element, which can stand in an HTML page too."""
    made = list(boxes(profile))
    top = HEAD if with_head else 0
    height = top + (max((box.row for box in made), default=0) + 1) * ROW + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flame" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-label="Flame graph of templates">',
        f"<style>{STYLE}</style>",
    ]
    if with_head:
        note = (
            f"{duration(profile.spent)} in {count(profile.renderings, 'rendering')}."
            " Click a box to look into it, the background to go back."
        )
        parts.append(f'<text class="head" x="{MARGIN}" y="20">Where templates spend their time</text>')
        parts.append(f'<text class="note" x="{MARGIN}" y="36">{escape(note)}</text>')
    parts += [_drawn(box, top) for box in made]
    parts.append(f"<script><![CDATA[{SCRIPT}]]></script></svg>")
    return "\n".join(parts)


def boxes(profile: Profile) -> "list[Box]":
    """The boxes, each after the one above it."""
    whole = profile.spent
    if not whole:
        return []
    hottest = max(cell.time for node in profile.root.walk() for cell in node.cells.values())
    made: list[Box] = []
    least = _NARROWEST / (WIDTH - 2 * MARGIN)
    pending = [_Pending(_by_name(list(profile.root.children.values())))]
    while pending:
        level = pending.pop()
        at = level.at
        for node in level.nodes:
            part = profile.totals[id(node)] / whole
            if part >= least:
                made.append(_scope_box(profile, node, at, part, level.row))
                pending += _lines(profile, node, at, level.row + 1, least, hottest, made)
            at += part
    return made


def _by_name(nodes: list[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: (node.line, node.scope.file, node.scope.line))


def _scope_box(profile: Profile, node: Node, at: float, part: float, row: int) -> Box:
    scope, total = node.scope, profile.totals[id(node)]
    name = label(scope.name, scope.file)
    title = f"{name}\n{_share(profile, total)}, called {count(node.calls, 'time')}\n{scope.file}:{scope.line}"
    return Box("scope", name, title, at, part, row)


def _lines(
    profile: Profile, node: Node, at: float, row: int, least: float, hottest: float, made: list[Box]
) -> list[_Pending]:
    """The boxes of a scope's lines, and what is below them."""
    whole, file = profile.spent, profile.files[node.scope.file]
    called: dict[int, list[Node]] = {}
    for child in node.children.values():
        called.setdefault(child.line, []).append(child)
    below = []
    for line in sorted(node.cells.keys() | called.keys()):
        cell, inner = node.cells.get(line), called.get(line, [])
        own, hits = (cell.time, int(cell.hits)) if cell is not None else (0.0, 0)
        total = own + sum(profile.totals[id(child)] for child in inner)
        part = total / whole
        if part >= least:
            text = file.text(line).strip()
            title = f"{file.name}:{line}\n{text}\n{_share(profile, total)}, reached {count(hits, 'time')}"
            if inner:
                title += f"\n{_share(profile, own)} on the line itself"
            made.append(Box("line", f"{line} {text}", title, at, part, row, heat(own, hottest)))
            below.append(_Pending(_by_name(inner), at, row + 1))
        at += part
    return below


def _share(profile: Profile, seconds: float) -> str:
    return f"{duration(seconds)} ({percent(seconds, profile.spent) or '0%'})"


def _drawn(box: Box, top: int) -> str:
    inner = WIDTH - 2 * MARGIN
    x, width, y = MARGIN + box.at * inner, box.part * inner, top + box.row * ROW
    room = int((width - 7) / _LETTER)
    text = "" if room < 3 else box.name if len(box.name) <= room else box.name[: room - 1] + "…"
    heat = f' style="--heat:{box.heat:.3f}"' if box.kind == "line" else ""
    return (
        f'<g class="box {box.kind}" data-at="{box.at:.8f}" data-part="{box.part:.8f}"'
        f' data-name="{escape(_printable(box.name))}"{heat}>'
        f"<title>{escape(_printable(box.title))}</title>"
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{ROW - 1}" rx="2"/>'
        f'<text x="{x + 4:.2f}" y="{y + 14}">{escape(_printable(text))}</text></g>'
    )


def _printable(text: str) -> str:
    """Without the control characters that XML does not allow."""
    return "".join(c for c in text if c >= " " or c == "\n")
