"""The pages, of no framework: a request in, a page or a redirection out.

Rule: a view knows neither addresses nor responses. It names a template and what it shows; the frameworks' modules
make the response, and give the templates `url_for`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from templates_demo.library.catalogue import TODAY, Catalogue
from tmplmon.tools.livecoverage import LiveCoverage

ON_A_PAGE = 100


@dataclass
class Request:
    """What a view is asked. number: of the book or loan in the address. form: None unless it was sent."""

    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    number: int = 0


@dataclass
class Page:
    template: str
    names: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    type: str = "text/html"


@dataclass
class Redirect:
    view: str
    values: dict[str, Any] = field(default_factory=dict)


type Answer = Page | Redirect
type View = Callable[[Library, Request], Answer]


class Library:
    """What views work on. report: makes the report of live coverage, if that is on."""

    def __init__(self, catalogue: Catalogue, live: LiveCoverage | None = None) -> None:
        self.catalogue = catalogue
        self.live = live
        self.environment: Any = None


def books(library: Library, request: Request) -> Answer:
    words, shelf = request.query.get("words", "").strip(), request.query.get("shelf", "")
    asked = request.query.get("page", "1")
    page = max(int(asked) if asked.isdecimal() else 1, 1)
    found, total = library.catalogue.search(words, shelf, ON_A_PAGE, (page - 1) * ON_A_PAGE)
    return Page(
        "books.html",
        {
            "books": found,
            "total": total,
            "page": page,
            "pages": max(1, -(-total // ON_A_PAGE)),
            "words": words,
            "shelf": shelf,
            "shelves": library.catalogue.shelves(),
        },
    )


def book(library: Library, request: Request) -> Answer:
    found = library.catalogue.book(request.number)
    if found is None:
        return missing()
    problems: dict[str, str] = {}
    if request.form is not None:
        if request.form.get("action") == "return":
            library.catalogue.take_back(found.number)
            return Redirect("book", {"number": found.number})
        reader, email = request.form.get("reader", "").strip(), request.form.get("email", "").strip()
        if not reader:
            problems["reader"] = "Who borrows it?"
        if "@" not in email:
            problems["email"] = "This is no e-mail address."
        if found.loan is not None:
            problems["reader"] = f"It is lent to {found.loan.reader}."
        if not problems:
            library.catalogue.lend(found.number, reader, email)
            return Redirect("book", {"number": found.number})
    names = {"book": found, "problems": problems, "form": request.form or {}}
    return Page("book.html", names, 422 if problems else 200)


def add(library: Library, request: Request) -> Answer:
    form = request.form
    problems: dict[str, str] = {}
    if form is not None:
        for name in ("title", "author"):
            if not form.get(name, "").strip():
                problems[name] = "This cannot be empty."
        for name in ("year", "pages"):
            if not form.get(name, "").isdecimal():
                problems[name] = "This is to be a number."
        if not problems:
            year, pages = int(form["year"]), int(form["pages"])
            shelf, summary = form.get("shelf", ""), form.get("summary", "")
            number = library.catalogue.add(form["title"], form["author"], year, shelf, pages, summary)
            return Redirect("book", {"number": number})
    names = {"form": form or {}, "problems": problems, "shelves": library.catalogue.shelves()}
    return Page("add.html", names, 422 if problems else 200)


def loans(library: Library, request: Request) -> Answer:
    found = library.catalogue.loans()
    return Page("loans.html", {"loans": found, "late": [loan for loan in found if loan.days_late]})


def reminder(library: Library, request: Request) -> Answer:
    loan = library.catalogue.loan(request.number)
    return missing() if loan is None else Page("mail/reminder.txt", {"loan": loan}, type="text/plain")


def feed(library: Library, request: Request) -> Answer:
    return Page("feed.xml", {"books": library.catalogue.newest(10)}, type="application/rss+xml")


def coverage(library: Library, request: Request) -> Answer:
    """Which lines of the templates have run."""
    report = library.live.report(library.environment) if library.live is not None else {}
    shown = {name: found for name, found in report.items() if "error" not in found}
    sources = {name: library.environment.get_template(name).get_source(name).splitlines() for name in shown}
    return Page("coverage.html", {"report": shown, "sources": sources})


def failure(library: Library, request: Request) -> Answer:
    """A page whose template fails, to see the error page."""
    return Page("failure.html", {"books": library.catalogue.newest(3)})


def missing() -> Page:
    return Page("missing.html", status=404)


# The name of each page, which is that of its view, and its address.
ROUTES: dict[str, tuple[str, View]] = {
    "books": ("", books),
    "book": ("books/{number}", book),
    "add": ("add", add),
    "loans": ("loans", loans),
    "reminder": ("loans/{number}/reminder", reminder),
    "feed": ("feed.xml", feed),
    "coverage": ("coverage", coverage),
    "failure": ("failure", failure),
}

MENU = (
    ("books", "Catalogue"),
    ("add", "Add a book"),
    ("loans", "Loans"),
    ("coverage", "Coverage"),
    ("failure", "A failure"),
)


def prepare(environment: Any) -> None:
    """The filters and globals of the templates."""
    environment.globals["today"] = TODAY
    environment.globals["pages_of_site"] = MENU
    environment.filters["day"] = lambda value: f"{value:%-d %B %Y}"
    environment.filters["rfc822"] = lambda value: f"{value:%a, %d %b %Y} 00:00:00 GMT"
