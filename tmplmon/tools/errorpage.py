"""A page that shows a developer where a template failed: its lines, the columns at fault, the variables there, and
what led there. It is one HTML document without scripts, for development only: it shows source and variables.

Rule: the place that failed comes first and open, then what led there, towards the view. Frames of Python code are
shown folded. A value is shown by its `repr`, shortened; one whose name says that it is a secret is not shown.
"""

import os
import re
import traceback
from collections.abc import Iterable
from typing import Any

from markupsafe import escape

import tmplmon
from tmplmon.tools.failures import Place, places

_ENGINE = os.path.dirname(tmplmon.__file__) + os.sep

AROUND = 5
"""Lines shown before and after the one at fault."""

_LONGEST = 400
_SECRET = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|api_?key|credential|authorization|cookie", re.IGNORECASE
)

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b2130; --soft: #667085; --line: #d9dee8; --code: #f5f7fa;
  --here: #fdecec; --mark: #ffb4b4; --accent: #b42318; }
@media (prefers-color-scheme: dark) { :root { --back: #10141e; --text: #e6e9ef; --soft: #9aa4b8; --line: #2a3350;
  --code: #171d2b; --here: #4a1f24; --mark: #a33a3f; --accent: #ff8f8f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 22px; margin: 0 0 4px; color: var(--accent); }
.message { font-size: 17px; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 20px; }
h2 { font-size: 15px; margin: 28px 0 8px; color: var(--soft); font-weight: 600; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; overflow: hidden; }
summary { padding: 8px 14px; cursor: pointer; }
summary code { font-weight: 600; }
summary .text { float: right; max-width: 55%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary .text code { font-weight: 400; color: var(--soft); }
details[open] summary .text { display: none; }
summary .label, .path { color: var(--soft); }
.path { padding: 0 14px 8px; font-size: 13px; overflow-wrap: anywhere; }
code, pre { font: 13px/1.55 ui-monospace, "DejaVu Sans Mono", monospace; tab-size: 4; }
.label { font-size: 14px; }
.source { margin: 0; padding: 8px 0; background: var(--code); overflow-x: auto; border-top: 1px solid var(--line); }
.source span { display: block; width: max-content; min-width: 100%; padding-right: 14px; }
.source i { display: inline-block; width: 56px; padding-right: 14px; text-align: right; color: var(--soft);
  font-style: normal; user-select: none; }
.source .here { background: var(--here); }
.source b { background: var(--mark); border-radius: 2px; font-weight: inherit; }
table { width: 100%; border-collapse: collapse; border-top: 1px solid var(--line); }
th, td { padding: 3px 14px; text-align: left; vertical-align: top; }
th { width: 1%; white-space: nowrap; font-weight: 500; }
td code { overflow-wrap: anywhere; }
.plain { padding: 12px 14px; margin: 0; overflow-x: auto; background: var(--code);
  border-top: 1px solid var(--line); }
"""


def error_page(error: BaseException, request: str = "") -> str:
    """The page for an exception. request: what was asked for, as `GET /items`."""
    kind = type(error).__qualname__
    message = str(error).partition("\n")[0]
    title = f"{kind}: {message}" if message else kind
    found = [place for place in reversed(places(error)) if not place.file.startswith(_ENGINE)]
    parts = [
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>",
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(kind)}</h1><p class=message>{escape(str(error))}</p>",
        *_frames(found),
        *_causes(error),
        "<h2>As text</h2><details><summary>Traceback</summary><pre class=plain>",
        escape("".join(traceback.format_exception(error))),
        "</pre></details>",
        f"<p class=label>{escape(request)}</p>" if request else "",
        "</main></body></html>\n",
    ]
    return "".join(parts)


def _frames(found: list[Place]) -> Iterable[str]:
    first = next((place for place in found if place.is_template), None)
    if first is not None:
        yield "<h2>The template's line</h2>"
        yield _frame(first, True)
    rest = [place for place in found if place is not first]
    if rest:
        yield "<h2>What led there, the nearest first</h2>"
        yield from (_frame(place, False) for place in rest)


def _frame(place: Place, is_open: bool) -> str:
    name = place.name if place.name is not None else place.file.rpartition("/")[2]
    label = "" if place.label == "<template>" else f" in {place.label}" if place.label else ""
    text = "".join(place.parts).strip()
    parts = [
        f"<details{' open' if is_open else ''} class={'template' if place.is_template else 'python'}>",
        f"<summary><code>{escape(name)}:{place.line}</code><span class=label>{escape(label)}</span>"
        f"<span class=text><code>{escape(text)}</code></span></summary>",
        f"<div class=path>{escape(place.file)}</div>",
        _source(place),
    ]
    if place.variables:
        rows = [
            f"<tr><th><code>{escape(name)}</code></th><td><code>{escape(shown(name, value))}</code></td></tr>"
            for name, value in sorted(place.variables.items())
        ]
        parts += ["<table>", *rows, "</table>"]
    return "".join([*parts, "</details>"])


def _source(place: Place) -> str:
    first = max(1, place.line - AROUND)
    lines: list[str] = []
    for number, text in enumerate(place.lines[first - 1 : place.line + AROUND], first):
        shown_text = str(escape(text)) or " "
        if number == place.line:
            before, during, after = map(escape, place.parts)
            shown_text = f"{before}<b>{during}</b>{after}" if during else shown_text
        here = " class=here" if number == place.line else ""
        lines.append(f"<span{here}><i>{number}</i>{shown_text}</span>")
    return f"<pre class=source>{''.join(lines)}</pre>" if lines else ""


def _causes(error: BaseException) -> Iterable[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        text = "".join(traceback.format_exception_only(cause)).strip()
        kind = "because of" if error.__cause__ is not None else "while handling"
        yield f"<h2>It was raised {kind}</h2><pre class=plain>{escape(text)}</pre>"


def shown(name: str, value: Any) -> str:
    """The `repr` of a variable, shortened; not that of a secret."""
    if _SECRET.search(name):
        return "(not shown)"
    try:
        text = repr(value)
    except Exception as error:
        return f"(its repr raises {type(error).__name__})"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
