"""A page that shows a developer where a template failed: its lines, the columns of the error, the variables,
and the frames that led there. It is one HTML document without scripts. It shows source code and variables, so
use it for development only.

Rule: the failing frame is first and open, followed by its callers, innermost first. Frames of Python code are
collapsed. A value is shown as its `repr`, shortened. What looks like a secret is left out: values whose name, key
or attribute suggests one, the credentials in a URL, JSON Web Tokens and private keys.
"""

import os
import re
import traceback
from collections.abc import Iterable
from typing import Any

from markupsafe import escape

import tmplmon
from tmplmon import TemplateSyntaxError
from tmplmon.tools.failures import ErrorFrame, error_frames

_ENGINE = os.path.dirname(tmplmon.__file__) + os.sep

CONTEXT_LINES = 5
"""The number of lines shown before and after the line with the error."""

_MAX_REPR = 400
_NAMES = (
    r"pass(?:wo?r?d|phrase|code)|(?:^|[^a-z])pass(?=$|[^a-z])|pwd|secret|token|credential|authorization|cookie|jwt|bearer"
    r"|(?:api|access|private|secret|signing|encryption|session)[_-]?key|session_?id|(?:database|db|redis|broker)_?ur[il]"
    r"|(?:^|[^a-z])dsn|connection_?string|(?:^|[^a-z])(?:auth|cvv|environ|otp|pin|salt|ssn)(?=$|[^a-z])|card_?number"
)
_SECRET = re.compile(_NAMES, re.IGNORECASE)
_LEFT_OUT = "(not shown)"
# A name before a value in the `repr` of a dict, a data class or another object.
_KEY = re.compile(r"""['"]?\b([\w.-]+)\b['"]?\s*[:=]\s*""")
# A text in quotes, which may be cut off, or a character that matters outside of texts.
_IN_VALUE = re.compile(r"""'(?:[^'\\]|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|[][(){},>]""", re.DOTALL)
# Values that are secrets whatever their name is.
_VALUES = (
    re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/@'\"]*(?=@)"),
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
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
.note { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 20px; }
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
    """Return the HTML page for an exception. request: a description of the request, such as `GET /items`."""
    kind = type(error).__qualname__
    text = _text(error)
    message = text.partition("\n")[0]
    title = f"{kind}: {message}" if message else kind
    frames = [frame for frame in reversed(error_frames(error)) if not frame.file.startswith(_ENGINE)]
    parts = [
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>",
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(kind)}</h1><p class=message>{escape(text)}</p>",
        *_notes(error),
        *_frames(frames),
        *_causes(error),
        "<h2>As text</h2><details><summary>Traceback</summary><pre class=plain>",
        escape(_without_secret_values("".join(traceback.format_exception(error)))),
        "</pre></details>",
        f"<p class=label>{escape(request)}</p>" if request else "",
        "</main></body></html>\n",
    ]
    return "".join(parts)


def _notes(error: BaseException) -> Iterable[str]:
    """The notes of an error. Of a syntax error only the hint, as its frame shows the place."""
    notes = [str(note) for note in getattr(error, "__notes__", ())]
    if isinstance(error, TemplateSyntaxError):
        notes[:1] = [error.hint] if error.hint else []
    for note in notes:
        yield f"<p class=note>{escape(note)}</p>"


def _frames(frames: list[ErrorFrame]) -> Iterable[str]:
    first = next((frame for frame in frames if frame.is_template), None)
    if first is not None:
        yield "<h2>Where the template failed</h2>"
        yield _frame(first, True)
    others = [frame for frame in frames if frame is not first]
    if others:
        yield "<h2>Callers, innermost first</h2>"
        yield from (_frame(frame, False) for frame in others)


def _frame(frame: ErrorFrame, is_open: bool) -> str:
    name = frame.name if frame.name is not None else frame.file.rpartition("/")[2]
    label = "" if frame.label == "<template>" else f" in {frame.label}" if frame.label else ""
    text = "".join(frame.line_parts).strip()
    parts = [
        f"<details{' open' if is_open else ''} class={'template' if frame.is_template else 'python'}>",
        f"<summary><code>{escape(name)}:{frame.line or 1}</code><span class=label>{escape(label)}</span>"
        f"<span class=text><code>{escape(text)}</code></span></summary>",
        f"<div class=path>{escape(frame.file)}</div>",
        _source(frame),
    ]
    if frame.variables:
        rows = [
            f"<tr><th><code>{escape(name)}</code></th><td><code>{escape(shown(name, value))}</code></td></tr>"
            for name, value in sorted(frame.variables.items())
        ]
        parts += ["<table>", *rows, "</table>"]
    return "".join([*parts, "</details>"])


def _source(frame: ErrorFrame) -> str:
    line = frame.line or 1
    lines: list[str] = []
    for number, text in frame.lines_around(CONTEXT_LINES):
        content = str(escape(text)) or " "
        if number == line:
            before, marked, after = map(escape, frame.line_parts)
            content = f"{before}<b>{marked}</b>{after}" if marked else content
        here = " class=here" if number == line else ""
        lines.append(f"<span{here}><i>{number}</i>{content}</span>")
    return f"<pre class=source>{''.join(lines)}</pre>" if lines else ""


def _causes(error: BaseException) -> Iterable[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and cause is not error:
        text = _without_secret_values("".join(traceback.format_exception_only(cause)).strip())
        kind = "because of" if error.__cause__ is not None else "while handling"
        yield f"<h2>It was raised {kind}</h2><pre class=plain>{escape(text)}</pre>"


def shown(name: str, value: Any) -> str:
    """Return the `repr` of a variable, shortened and without what looks like a secret."""
    if _SECRET.search(name):
        return _LEFT_OUT
    try:
        text = repr(value)
    except Exception as error:
        return f"(its repr raises {type(error).__name__})"
    # Twice of what is shown is searched, so that a long text takes no time.
    length, text = len(text), _without_secrets(text[: 2 * _MAX_REPR])
    return text if length <= _MAX_REPR else f"{text[:_MAX_REPR]}… ({length} characters)"


def _without_secrets(text: str) -> str:
    parts: list[str] = []
    position = 0
    for match in _KEY.finditer(text):
        if match.start() >= position and _SECRET.search(match[1]):
            parts += (text[position : match.end()], _LEFT_OUT)
            position = _end_of_value(text, match.end())
    return _without_secret_values("".join([*parts, text[position:]]))


def _end_of_value(text: str, start: int) -> int:
    """Return where a value in a `repr` ends: at a comma or a closing bracket that does not belong to it."""
    depth = 0
    for match in _IN_VALUE.finditer(text, start):
        character = match[0]
        if character in "([{":
            depth += 1
        elif character in ")]}" and depth:
            depth -= 1
        elif character in ")]},>" and not depth:
            return match.start()
    return len(text)


def _without_secret_values(text: str) -> str:
    for pattern in _VALUES:
        text = pattern.sub(_LEFT_OUT, text)
    return text


def _text(error: BaseException) -> str:
    try:
        return _without_secret_values(str(error))
    except Exception as failure:
        return f"(its str raises {type(failure).__name__})"
