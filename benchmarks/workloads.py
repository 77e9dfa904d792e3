"""The workloads: the name, the data at any size, and the template files of each page.

Rule: the data is a pure function of the size (no clock, no random numbers), so every engine and every run gets the
same. Some strings contain markup, as user input does, so that escaping has an effect. They contain no entities such
as ``&amp;``: Chameleon leaves these unchanged by design, the others do not.

Templates are ``templates/<language>/<name>.html``. A line ``@@PROSE@@`` in a file is replaced when it is loaded, by
some 4 KB of paragraphs, which keeps the files readable.

Sizes are those of real pages: 1000 rows of 10 cells is the table of template benchmarks since Genshi's, 200
rows is a long listing, and ``large`` produces about 4 MB.
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
    """An object with plain attributes, such as an ORM's row or a dataclass instance."""

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
    """A page. `context(size)` returns its data, `name` is its template, `size` is its number of rows or entries.

    same_as: the template file of another workload, for languages that need no file of their own: Jinja and Django
    use ``u.name`` for objects and dicts. inline_of: the component workload that this one corresponds to, with the
    body of the component written inline; the difference is the cost of the component.
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
"""The workloads in the result table and its geometric means."""


@cache
def sources(language: str) -> dict[str, str]:
    """Return all template sources of a language: file name (``objects.html``) → text."""
    files = sorted((TEMPLATES / language).glob("*.html"))
    return {f.name: f.read_text(encoding="utf-8").replace("@@PROSE@@", PROSE) for f in files}


def template_name(language: str, workload: Workload) -> str | None:
    """Return the template file of `workload` in `language`, or None if there is none."""
    for name in (workload.name, workload.same_as):
        if name is not None and f"{name}.html" in sources(language):
            return f"{name}.html"
    return None
