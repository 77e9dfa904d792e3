"""The pages, independent of the framework: each view turns a request into a page or a redirect.

Rule: a view knows neither URLs nor responses. It names a template and its variables. The modules of the frameworks
create the response, and provide `url_for` for the templates.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from templates_demo.library.catalogue import TODAY, Catalogue
from tmplmon.tools.livecoverage import LiveCoverage

PAGE_SIZE = 100


@dataclass
class Request:
    """A request. number: the book or loan in the URL. form: the submitted form; None if there is none."""

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
    """The data of the views. live: the recorder for the coverage page; None: no coverage."""

    def __init__(self, catalogue: Catalogue, live: LiveCoverage | None = None) -> None:
        self.catalogue = catalogue
        self.live = live
        self.environment: Any = None


def books(library: Library, request: Request) -> Answer:
    words, shelf = request.query.get("words", "").strip(), request.query.get("shelf", "")
    requested = request.query.get("page", "1")
    page = max(int(requested) if requested.isdecimal() else 1, 1)
    matches, total = library.catalogue.search(words, shelf, PAGE_SIZE, (page - 1) * PAGE_SIZE)
    return Page(
        "books.html",
        {
            "books": matches,
            "total": total,
            "page": page,
            "pages": max(1, -(-total // PAGE_SIZE)),
            "words": words,
            "shelf": shelf,
            "shelves": library.catalogue.shelves(),
        },
    )


def book(library: Library, request: Request) -> Answer:
    book = library.catalogue.book(request.number)
    if book is None:
        return missing()
    problems: dict[str, str] = {}
    if request.form is not None:
        if request.form.get("action") == "return":
            library.catalogue.take_back(book.number)
            return Redirect("book", {"number": book.number})
        reader, email = request.form.get("reader", "").strip(), request.form.get("email", "").strip()
        if not reader:
            problems["reader"] = "Enter the name of the reader."
        if "@" not in email:
            problems["email"] = "Enter a valid e-mail address."
        if book.loan is not None:
            problems["reader"] = f"It is lent to {book.loan.reader}."
        if not problems:
            library.catalogue.lend(book.number, reader, email)
            return Redirect("book", {"number": book.number})
    names = {"book": book, "problems": problems, "form": request.form or {}}
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
                problems[name] = "Enter a number."
        if not problems:
            year, pages = int(form["year"]), int(form["pages"])
            shelf, summary = form.get("shelf", ""), form.get("summary", "")
            number = library.catalogue.add(form["title"], form["author"], year, shelf, pages, summary)
            return Redirect("book", {"number": number})
    names = {"form": form or {}, "problems": problems, "shelves": library.catalogue.shelves()}
    return Page("add.html", names, 422 if problems else 200)


def loans(library: Library, request: Request) -> Answer:
    loans = library.catalogue.loans()
    return Page("loans.html", {"loans": loans, "late": [loan for loan in loans if loan.days_late]})


def reminder(library: Library, request: Request) -> Answer:
    loan = library.catalogue.loan(request.number)
    return missing() if loan is None else Page("mail/reminder.txt", {"loan": loan}, type="text/plain")


def feed(library: Library, request: Request) -> Answer:
    return Page("feed.xml", {"books": library.catalogue.newest(10)}, type="application/rss+xml")


def coverage(library: Library, request: Request) -> Answer:
    """The lines of the templates that have run."""
    report = library.live.report(library.environment) if library.live is not None else {}
    compiled = {name: entry for name, entry in report.items() if "error" not in entry}
    sources = {
        name: library.environment.get_template(name).get_source(name).splitlines() for name in compiled
    }
    return Page("coverage.html", {"report": compiled, "sources": sources})


def failure(library: Library, request: Request) -> Answer:
    """A page whose template fails, to demonstrate the error page."""
    return Page("failure.html", {"books": library.catalogue.newest(3)})


def missing() -> Page:
    return Page("missing.html", status=404)


# Name of the page → its URL and its view.
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
    """Add the filters and globals of the templates to an environment."""
    environment.globals["today"] = TODAY
    environment.globals["pages_of_site"] = MENU
    environment.filters["day"] = lambda value: f"{value:%-d %B %Y}"
    environment.filters["rfc822"] = lambda value: f"{value:%a, %d %b %Y} 00:00:00 GMT"
