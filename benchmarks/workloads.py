"""What is rendered: each workload's name, its data at any size, and its template files.

The rule: data is a pure function of the size (no clock, no random numbers), so every engine and every run
gets the same. Strings hold markup here and there, as user input does, so that escaping has work to do; they
hold no ready-made entity such as ``&amp;``: Chameleon leaves those alone by design, the others do not.

Templates are ``templates/<language>/<name>.html``. A file may hold the line ``@@PROSE@@``: some 4 KB of plain
paragraphs stand there when it is loaded (eight of them would only have made six files hard to read).

Sizes are those of the pages people meet: 1000 rows of 10 cells is the table that template benchmarks have
used since Genshi's, 200 rows is a long listing, and ``large`` makes about 4 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"

Context = dict[str, Any]

_SENTENCES = (
    "A template is a text with holes, and most of what it holds is text.",
    "The engine that renders it should spend its time on the holes.",
    "Long runs of prose, such as this one, ought to cost no more than one copy.",
    "Nothing in this paragraph needs to be escaped, looked up, compared or called.",
    "Readers of manuals will recognise the style: many words, few of them needed.",
)
PROSE = "\n".join(f"<p>{' '.join(_SENTENCES[i % 5 :] + _SENTENCES[: i % 5])}</p>" for i in range(12))

_NAMES = (
    "Ada Lovelace",
    "Grace <Amazing> Hopper",
    "Tim O'Reilly",
    'Kurt "K" Gödel',
    "Marie Curie",
    "Brown & Sons",
)
_CITIES = ("London", None, "Brno & Wien", "", "Paris", "New York")
_ROLES = (["reader"], ["reader", "editor"], [], ["R&D", "owner", "reader"])
_NOTES = (None, "Prefers <b>mail</b>", "", "On leave until May", None)
_PLACES = ("東京", "大阪 <本社>", "서울", "北京 & 上海")
_AUTHORS = ("山田太郎", "김철수 <admin>", "王小明", "Zoë 🦊", "Ægir")
_TEXTS = (
    "今日はとても良い天気ですね。散歩に行きましょう 🌸🌸",
    "会議は 3 < 4 時の間です & 資料は後で送ります 📎",
    "오늘 저녁에 시간 있으세요? 🍜 맛있는 라면집을 찾았어요",
    '他说 "明天见" 然后就走了 👋🏽 太快了',
    "Ångström naïve café — ça va? 👩‍👩‍👧‍👦 ∑ ≠ ∞",
)


class Record:
    """An object with plain attributes, as an ORM's row or a dataclass instance is."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


def _person(i: int) -> Context:
    return {
        "id": i,
        "name": _NAMES[i % 6],
        "email": f"user{i}@example.org",
        "active": i % 3 != 0,
        "admin": i % 10 == 0,
        "visits": i * 7 % 100,
        "roles": _ROLES[i % 4],
        "note": _NOTES[i % 5],
        "city": _CITIES[i % 6],
    }


def _tiny(size: int) -> Context:
    return {"name": "World <3"}


def _table(size: int) -> Context:
    """Rows of ten cells, half of them numbers, half of them strings (every tenth string needs escaping)."""
    cells = [j if j % 2 else ("a < b" if j % 20 == 0 else f"cell {j}") for j in range(size * 10)]
    return {"rows": [cells[i * 10 : i * 10 + 10] for i in range(size)]}


def _objects(size: int) -> Context:
    return {"title": "People & places", "people": [Record(**_person(i)) for i in range(size)]}


def _dicts(size: int) -> Context:
    return {"title": "People & places", "people": [_person(i) for i in range(size)]}


def _inheritance(size: int) -> Context:
    return {
        "site": "Handbook & more",
        "description": "How <we> do things",
        "links": [{"href": f"/{w.lower()}?a=1", "text": w} for w in ("News", "Docs", "Q&A", "Blog", "About")],
        "owner": "Example Ltd",
        "section": "Engineering",
        "group": "Tools & tests",
        "page": "Templates",
        "author": "Tim O'Reilly",
        "year": 2024,
        "paragraphs": [_SENTENCES[i % 5] + (" <i>" if i % 4 == 0 else "") for i in range(size)],
    }


def _include(size: int) -> Context:
    rows = [{"id": i, "name": f"{_NAMES[i % 6]} {i}", "price": i * 3, "stock": i % 4} for i in range(size)]
    return {"rows": rows}


def _macro(size: int) -> Context:
    return {
        "rows": [
            Record(name=f"field{i}", value=i * 11 if i % 2 else f"{_NAMES[i % 6]} {i}", number=i % 2 == 1)
            for i in range(size)
        ]
    }


def _text(size: int) -> Context:
    index = [f"{_SENTENCES[i % 5][:20]} {i}" for i in range(size)]
    return {
        "product": "Widget & Co",
        "version": "2.1",
        "contact": "help@example.org",
        "beta": True,
        "index": index,
    }


def _unicode(size: int) -> Context:
    return {
        "messages": [
            {"author": _AUTHORS[i % 5], "text": _TEXTS[i % 5], "place": _PLACES[i % 4], "stars": i % 6}
            for i in range(size)
        ]
    }


def _large(size: int) -> Context:
    text = " ".join(_SENTENCES[:2])
    texts = (f"{text} <em>", *[text] * 7)
    return {"rows": [{"name": _NAMES[i % 6], "count": i * 13, "text": texts[i % 8]} for i in range(size)]}


@dataclass(frozen=True)
class Workload:
    """One page: ``context(size)`` is its data, ``name`` its template, ``size`` counts its rows or entries.

    ``same_as`` names the template file to use where a language needs no file of its own: Jinja and Django
    write ``u.name`` for objects and dicts alike. ``inline_of`` marks the twin of a component workload: the
    same page with the component's body written in place, which tells what the component itself costs.
    """

    name: str
    title: str
    size: int
    context: Callable[[int], Context]
    same_as: str | None = None
    inline_of: str | None = None


_ALL = (
    Workload("tiny", "tiny string", 1, _tiny),
    Workload("table", "table, 1000 x 10", 1000, _table),
    Workload("objects", "page of 200 objects", 200, _objects, same_as="people"),
    Workload("dicts", "page of 200 dicts", 200, _dicts, same_as="people"),
    Workload("inheritance", "6 levels with super()", 10, _inheritance),
    Workload("include", "include, 200 times", 200, _include),
    Workload("macro", "macro, 200 times", 200, _macro),
    Workload("text", "text-heavy page, 40 KB", 20, _text),
    Workload("unicode", "CJK and emoji, 200 rows", 200, _unicode),
    Workload("large", "large output, 4 MB", 20_000, _large),
    Workload("include_inline", "the include's body inline", 200, _include, inline_of="include"),
    Workload("macro_inline", "the macro's body inline", 200, _macro, inline_of="macro"),
)
WORKLOADS = MappingProxyType({w.name: w for w in _ALL})
"""Every workload by name, in the order of the tables."""

PAGES = tuple(w for w in _ALL if w.inline_of is None)
"""The workloads that count: those of the result table and its geometric means."""


@cache
def sources(language: str) -> dict[str, str]:
    """All template sources of one language: file name (``objects.html``) to text, prose filled in."""
    files = sorted((TEMPLATES / language).glob("*.html"))
    return {f.name: f.read_text(encoding="utf-8").replace("@@PROSE@@", PROSE) for f in files}


def template_name(language: str, workload: Workload) -> str | None:
    """The file that expresses `workload` in `language`, or None where there is none."""
    for name in (workload.name, workload.same_as):
        if name is not None and f"{name}.html" in sources(language):
            return f"{name}.html"
    return None
