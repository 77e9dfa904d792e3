"""The library's data: books and loans, in SQLite in memory or in a file.

Rule: today is a constant, not the clock's date, so that the same books are overdue in every test.

A query for many books returns one row with a JSON array. Python calls SQLite's `step` for each row, releases
the GIL there, and has to wait for it afterwards. With eight threads, a hundred rows are a hundred such waits,
which took longer than the rest of the request.
"""

import json
import random
import sqlite3
import threading
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

TODAY = date(2027, 3, 1)
LOAN = timedelta(days=28)

_SCHEMA = """
CREATE TABLE book (
    number INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL, year INTEGER NOT NULL,
    shelf TEXT NOT NULL, pages INTEGER NOT NULL, added TEXT NOT NULL, summary TEXT NOT NULL DEFAULT ''
);
CREATE TABLE loan (
    number INTEGER PRIMARY KEY, book INTEGER NOT NULL REFERENCES book, reader TEXT NOT NULL, email TEXT NOT NULL,
    since TEXT NOT NULL, until TEXT NOT NULL
);
CREATE INDEX loan_of_book ON loan (book);
CREATE INDEX book_by_title ON book (title, number);
CREATE INDEX book_by_shelf ON book (shelf, title, number);
"""
_SHELVES = ("Harbours", "Knots", "Maps", "Tides", "Weather", "Wrecks")
_FIRST = ("Ada", "Bo", "Cleo", "Dag", "Eir", "Finn", "Gwen", "Håkon", "Ines", "Jún")
_LAST = ("Lindqvist", "O'Hara", "Nakamura", "da Silva", "Brandt", "Kowalska", "Weiß", "Mbeki")
_WORDS = (
    "Salt",
    "Rope",
    "Lantern",
    "Anchor",
    "Gull",
    "Current",
    "Chart",
    "Fog",
    "Keel",
    "Buoy",
    "Sextant",
    "Quay",
)


# Not frozen: the fields of a frozen dataclass are set by function calls, and a page has hundreds of them.
@dataclass(slots=True)
class Book:
    number: int
    title: str
    author: str
    year: int
    shelf: str
    pages: int
    added: date
    summary: str
    loan: "Loan | None" = None


@dataclass(slots=True)
class Loan:
    number: int
    book: int
    title: str
    reader: str
    email: str
    since: date
    until: date

    @property
    def days_late(self) -> int:
        return max(0, (TODAY - self.until).days)


class Catalogue:
    """The library. Each thread has its own connection.

    path: a file, or SQLite's URI of a database in memory. books: how many books a new database gets.
    """

    def __init__(self, path: str = "file:demo?mode=memory&cache=shared", books: int = 240) -> None:
        self._path = path
        self._local = threading.local()
        self._keep_alive = self._connection  # a database in memory exists as long as it has a connection
        with self._connection as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'book'").fetchone():
                connection.executescript(_SCHEMA)
                _fill(connection, books)

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, uri=True, check_same_thread=False)
            connection.execute("PRAGMA read_uncommitted = 1")
            self._local.connection = connection
        return connection

    def _books(self, where: str, *values: Any) -> list[Book]:
        (rows,) = self._connection.execute(_BOOKS.format(where), values).fetchone()
        return [_book(*row) for row in json.loads(rows)]

    def shelves(self) -> list[tuple[str, int]]:
        """Return (shelf, number of books) for each shelf."""
        rows = self._connection.execute("SELECT shelf, COUNT(*) FROM book GROUP BY shelf ORDER BY shelf")
        return [(row[0], row[1]) for row in rows]

    def search(self, words: str, shelf: str, count: int, start: int = 0) -> tuple[list[Book], int]:
        """Return `count` of the matching books, from the number `start` on, and the number of all matches."""
        conditions: list[str] = []
        values: list[str] = []
        if words:
            conditions.append("(title LIKE ? OR author LIKE ?)")
            values += [f"%{words}%"] * 2
        if shelf:
            conditions.append("shelf = ?")
            values.append(shelf)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        (total,) = self._connection.execute(f"SELECT COUNT(*) FROM book {where}", values).fetchone()
        return self._books(
            f"{where} ORDER BY title, book.number LIMIT ? OFFSET ?", *values, count, start
        ), total

    def book(self, number: int) -> Book | None:
        return next(iter(self._books("WHERE book.number = ?", number)), None)

    def newest(self, count: int) -> list[Book]:
        return self._books("ORDER BY added DESC, book.number LIMIT ?", count)

    def add(self, title: str, author: str, year: int, shelf: str, pages: int, summary: str) -> int:
        with self._connection as connection:
            values = (title, author, year, shelf, pages, TODAY.isoformat(), summary)
            sql = "INSERT INTO book VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
            return connection.execute(sql, values).lastrowid or 0

    def lend(self, book: int, reader: str, email: str) -> None:
        with self._connection as connection:
            values = (book, reader, email, TODAY.isoformat(), (TODAY + LOAN).isoformat())
            connection.execute(
                "INSERT INTO loan (book, reader, email, since, until) VALUES (?, ?, ?, ?, ?)", values
            )

    def take_back(self, book: int) -> None:
        with self._connection as connection:
            connection.execute("DELETE FROM loan WHERE book = ?", (book,))

    def loans(self) -> list[Loan]:
        """Return all loans, earliest due date first."""
        return [
            book.loan for book in self._books("WHERE loan.number ORDER BY until, loan.number") if book.loan
        ]

    def loan(self, number: int) -> Loan | None:
        return next((book.loan for book in self._books("WHERE loan.number = ?", number)), None)


# The array is in the order of the inner query. From SQLite 3.44 on, `ORDER BY` in the call would guarantee that.
_BOOKS = """
SELECT json_group_array(json_array(
    number, title, author, year, shelf, pages, added, summary, loan, reader, email, since, until
)) FROM (
    SELECT book.*, loan.number AS loan, reader, email, since, until
    FROM book LEFT JOIN loan ON loan.book = book.number {}
)
"""
_day = date.fromisoformat


def _book(
    number: int,
    title: str,
    author: str,
    year: int,
    shelf: str,
    pages: int,
    added: str,
    summary: str,
    loan: int | None,
    reader: str,
    email: str,
    since: str,
    until: str,
) -> Book:
    """Create a book from the columns of `_BOOKS`."""
    current = None if loan is None else Loan(loan, number, title, reader, email, _day(since), _day(until))
    return Book(number, title, author, year, shelf, pages, _day(added), summary, current)


def _fill(connection: sqlite3.Connection, books: int) -> None:
    numbers = random.Random(3)
    for number in range(1, books + 1):
        first, second = numbers.sample(_WORDS, 2)
        title = numbers.choice(
            (f"The {first} and the {second}", f"{first} & {second}", f"A Book of {first}s")
        )
        author = f"{numbers.choice(_FIRST)} {numbers.choice(_LAST)}"
        added = TODAY - timedelta(days=number * 3)
        summary = f"On {first.lower()}s, with {numbers.randint(3, 90)} plates." if number % 3 else ""
        shelf, year, pages = numbers.choice(_SHELVES), numbers.randint(1890, 2026), numbers.randint(60, 700)
        values = (number, title, author, year, shelf, pages, added.isoformat(), summary)
        connection.execute("INSERT INTO book VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        if number % 4 == 0:
            reader = f"{numbers.choice(_FIRST)} {numbers.choice(_LAST)}"
            since = TODAY - timedelta(days=numbers.randint(1, 45))
            email = f"reader{number}@example.org"
            values = (number, reader, email, since.isoformat(), (since + LOAN).isoformat())
            connection.execute(
                "INSERT INTO loan (book, reader, email, since, until) VALUES (?, ?, ?, ?, ?)", values
            )
