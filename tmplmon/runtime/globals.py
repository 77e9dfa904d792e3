"""The built-in globals of templates, and the policies, which configure built-in filters."""

from collections.abc import Callable, Sequence
from typing import Any

from tmplmon.runtime.html import escape_to_str, mark

DEFAULT_POLICIES: dict[str, Any] = {
    "compiler.ascii_str": True,
    "ext.i18n.trimmed": False,
    "json.dumps_function": None,
    "json.dumps_kwargs": {"sort_keys": True},
    "truncate.leeway": 5,
    "urlize.extra_schemes": None,
    "urlize.rel": "noopener",
    "urlize.target": None,
}
"""Policy → its default. Each environment has a copy, which the application may change."""


class Cycler:
    """Values in turn: `next()` returns one after the other, and the first again after the last.

    items: the values. Raises RuntimeError if there are none.
    """

    def __init__(self, *items: Any) -> None:
        if not items:
            raise RuntimeError("cycler needs at least one item")
        self.items = items
        self.pos = 0

    def reset(self) -> None:
        """Start again with the first value."""
        self.pos = 0

    @property
    def current(self) -> Any:
        """The value that `next()` will return."""
        return self.items[self.pos]

    def next(self) -> Any:
        """Return the current value and advance to the next one."""
        value = self.items[self.pos]
        self.pos = (self.pos + 1) % len(self.items)
        return value

    __next__ = next


class Joiner:
    """Return an empty text at the first call, and a separator at each later call.

    sep: the separator.
    """

    def __init__(self, sep: str = ", ") -> None:
        self.sep = sep
        self.used = False

    def __call__(self) -> str:
        if self.used:
            return self.sep
        self.used = True
        return ""


class Namespace:
    """An object whose attributes a template can set from any scope: `{% set ns.count = 1 %}`.

    It is created from a mapping, from pairs or from keyword arguments, like a dict. It has no attributes except
    those that were set; not even the methods of this class are attributes of it. The engine sets attributes as
    items.
    """

    __slots__ = ("_values",)

    # No parameter has a name, not even `self`, because every name can be an attribute.
    def __init__(*args: Any, **kwargs: Any) -> None:
        _set_values(args[0], dict(*args[1:], **kwargs))

    def __getattribute__(self, name: str) -> Any:
        # Python itself reads the class of every object.
        if name == "__class__":
            return object.__getattribute__(self, name)
        try:
            return values_of(self)[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setitem__(self, name: str, value: Any) -> None:
        values_of(self)[name] = value

    def __repr__(self) -> str:
        return f"<Namespace {values_of(self)!r}>"


values_of: Callable[[Namespace], dict[str, Any]] = Namespace.__dict__["_values"].__get__
"""Namespace → its attributes and their values."""
_set_values: Callable[[Namespace, dict[str, Any]], None] = Namespace.__dict__["_values"].__set__

# The words of Cicero's "De finibus bonorum et malorum" (I, 32), the source of "lorem ipsum".
_LOREM = """
    lorem ipsum dolor sit amet consectetur adipisci velit sed quia non numquam eius modi tempora incidunt ut
    labore et dolore magnam aliquam quaerat voluptatem enim ad minima veniam quis nostrum exercitationem ullam
    corporis suscipit laboriosam nisi aliquid ex ea commodi consequatur autem vel eum iure reprehenderit qui
    in voluptate esse quam nihil molestiae illum quo fugiat nulla pariatur at vero eos accusamus iusto odio
    dignissimos ducimus blanditiis praesentium voluptatum deleniti atque corrupti quos dolores quas molestias
    excepturi sint occaecati cupiditate provident similique culpa officia deserunt mollitia animi id est
    laborum harum quidem rerum facilis expedita distinctio nam libero tempore cum soluta nobis eligendi optio
    cumque impedit minus quod maxime placeat facere possimus omnis voluptas assumenda repellendus temporibus
    quibusdam aut officiis debitis necessitatibus saepe eveniet voluptates repudiandae recusandae itaque earum
    hic tenetur a sapiente delectus reiciendis voluptatibus maiores alias perferendis doloribus asperiores
    repellat
"""


def _paragraph(words: Sequence[str], length: int) -> str:
    """Return sentences of `length` words in total: a comma after 4 to 8 words, a full stop after 11 to 20."""
    from random import choice, randrange

    text: list[str] = []
    last = None
    comma = stop = 0
    begins = True
    for index in range(length):
        while (word := choice(words)) == last:
            pass
        last = word
        if begins:
            word = word.capitalize()
            begins = False
        if index - randrange(3, 8) > comma:
            comma = index
            stop += 2
            word += ","
        if index - randrange(10, 20) > stop:
            comma = stop = index
            word = word.rstrip(",") + "."
            begins = True
        text.append(word)
    return " ".join(text).rstrip(",.") + "."


def generate_lorem_ipsum(n: int = 5, html: bool = True, min: int = 20, max: int = 100) -> str:
    """Return filler text.

    n: the number of paragraphs.
    html: return markup with each paragraph in a `<p>` element; otherwise text with an empty line between
        paragraphs.
    min, max: a paragraph has at least `min` words, and fewer than `max`.

    Raises ValueError if `min` is not less than `max`.
    """
    from random import randrange

    words = _LOREM.split()
    paragraphs = [_paragraph(words, randrange(min, max)) for _ in range(n)]
    if html:
        return mark("\n".join([f"<p>{escape_to_str(text)}</p>" for text in paragraphs]))
    return "\n\n".join(paragraphs)


GLOBALS: dict[str, Any] = {
    "cycler": Cycler,
    "dict": dict,
    "joiner": Joiner,
    "lipsum": generate_lorem_ipsum,
    "namespace": Namespace,
    "range": range,
}
"""Name of each built-in global → its value."""
