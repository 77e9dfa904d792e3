"""The built-in globals, compared with Jinja2's where possible."""

import random
import re
from collections.abc import Callable
from itertools import cycle, pairwise
from typing import Any

import jinja2.defaults
import jinja2.utils
import pytest
from markupsafe import Markup

from tmplmon.runtime.globals import (
    DEFAULT_POLICIES,
    GLOBALS,
    Cycler,
    Joiner,
    Namespace,
    generate_lorem_ipsum,
)
from tmplmon.runtime.undefined import missing

from .sides import describe, describe_error


def test_names() -> None:
    assert GLOBALS.keys() == jinja2.defaults.DEFAULT_NAMESPACE.keys()
    assert GLOBALS["range"] is range and GLOBALS["dict"] is dict


def test_policies() -> None:
    assert DEFAULT_POLICIES == jinja2.defaults.DEFAULT_POLICIES


def test_cycler() -> None:
    cycler = Cycler("a", "b", "c")
    assert [cycler.current, *(cycler.next() for _ in range(4)), cycler.current] == list("aabcab")
    assert next(cycler) == "b"
    cycler.reset()
    assert (cycler.current, cycler.pos, cycler.items) == ("a", 0, ("a", "b", "c"))


def test_cycler_of_nothing() -> None:
    with pytest.raises(RuntimeError):
        Cycler()


def test_joiner() -> None:
    joiner = Joiner()
    assert [joiner(), joiner(), joiner()] == ["", ", ", ", "]
    assert [Joiner("|")(), Joiner(sep="|").used] == ["", False]


# Name → a function that uses a namespace class.
NAMESPACES: dict[str, Callable[[Any], Any]] = {
    "keywords": lambda cls: cls(a=1).a,
    "mapping": lambda cls: cls({"a": 1, "b": 2}, b=3).b,
    "pairs": lambda cls: cls([("a", 1)]).a,
    "any name": lambda cls: (cls(self=1, args=2, name=3).self, cls(kwargs=4).kwargs),
    "no attribute": lambda cls: cls().a,
    "two mappings": lambda cls: cls({}, {}),
    "not a mapping": lambda cls: cls(3),
    "repr": lambda cls: repr(cls(a=1, b="x")),
    "class": lambda cls: cls().__class__ is cls,
    "own class": lambda cls: cls({"__class__": 3}).__class__ is cls,
    "methods are hidden": lambda cls: [
        hasattr(cls(), name) for name in ("__init__", "__setitem__", "__dict__")
    ],
    "get item": lambda cls: cls(a=1)["a"],
    "set attribute": lambda cls: setattr(cls(a=1), "a", 2),
    "length": lambda cls: len(cls(a=1)),
    "iteration": lambda cls: list(cls(a=1)),
    "equality": lambda cls: cls(a=1) == cls(a=1),
    "truth": lambda cls: bool(cls()),
}


@pytest.mark.parametrize("name", NAMESPACES)
def test_namespace_as_jinja(name: str) -> None:
    results = []
    for cls in (jinja2.utils.Namespace, Namespace):
        try:
            results.append(describe(NAMESPACES[name](cls)))
        except Exception as error:
            results.append(describe_error(error))
    if name == "set attribute":
        # Jinja2 keeps it where no template can read it. tmplmon's namespaces have no such place.
        assert results == [("NoneType", "None"), ("error", "AttributeError")]
    else:
        assert results[0] == results[1]


def test_namespace_is_assigned_by_item() -> None:
    namespace = Namespace(a=1)
    namespace["a"] = 2
    namespace["__init__"] = 3
    assert (namespace.a, getattr(namespace, "__init__")) == (2, 3)  # noqa: B009
    assert getattr(namespace, "b", missing) is missing


WORD = re.compile(r"\w+")


@pytest.mark.parametrize("seed", range(20))
def test_lipsum(seed: int) -> None:
    random.seed(seed)
    text = generate_lorem_ipsum(3, html=False, min=5, max=60)
    paragraphs = text.split("\n\n")
    assert len(paragraphs) == 3
    for paragraph in paragraphs:
        words = WORD.findall(paragraph)
        assert 5 <= len(words) < 60
        assert all(first != second for first, second in pairwise(words))
        # Sentences: a capital at the start and a full stop at the end only.
        assert re.fullmatch(r"([A-Z][a-z]*(,? [a-z]+)*\.( |$))+", paragraph)


def test_commas_and_full_stops_of_lipsum(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the shortest distances that are possible: more than 3 words to a comma, more than 10 to a full stop."""
    words = cycle(["lorem", "ipsum"])
    monkeypatch.setattr(random, "choice", lambda all_words: next(words))
    monkeypatch.setattr(random, "randrange", lambda start, stop: start)
    assert generate_lorem_ipsum(1, html=False, min=12) == (
        "Lorem ipsum lorem ipsum lorem, ipsum lorem ipsum lorem, ipsum lorem ipsum."
    )


def test_lipsum_is_markup() -> None:
    random.seed(1)
    text = generate_lorem_ipsum(2)
    assert type(text) is Markup
    assert re.fullmatch(r"<p>[^<]*</p>\n<p>[^<]*</p>", text)
    assert generate_lorem_ipsum(0) == "" == generate_lorem_ipsum(0, False)


def test_lipsum_refuses_an_empty_range_of_lengths() -> None:
    with pytest.raises(ValueError):
        generate_lorem_ipsum(1, min=5, max=5)


def test_lipsum_has_the_structure_of_jinja2s() -> None:
    random.seed(3)
    mine = [len(WORD.findall(p)) for p in generate_lorem_ipsum(200, html=False).split("\n\n")]
    theirs = [len(WORD.findall(p)) for p in jinja2.utils.generate_lorem_ipsum(200, html=False).split("\n\n")]
    assert min(mine) >= 20 and max(mine) < 100 and abs(sum(mine) - sum(theirs)) < 0.1 * sum(theirs)
