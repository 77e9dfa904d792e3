"""The table of operations: how large the result of each can be, and how long it can take.

One row per method of a built-in type, filter, test, global function and operator. The bounds are formulas of the
arguments and are checked before the operation runs: a size is at most `max_size`, a cost is paid for in fuel. A
method of a built-in type without a row is refused, so a method that a later version of Python adds cannot be
unbounded.

A step of a cost takes a few nanoseconds: 64 steps are one unit of fuel. An operation with less than 1,024 steps is
paid for by the unit that every expression costs.

    n(x)         characters or items of x; 0 if x has no length
    chars(x)     length of the text of x
    number(x)    x, if it is an integer; otherwise 0
    weight(x)    items of x with all that they contain, as `measure.expansion` counts them
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tmplmon.errors import FilterArgumentError, TooLargeError
from tmplmon.sandbox import methods
from tmplmon.sandbox.measure import CONTAINERS, PLAIN, expansion, text_length

if TYPE_CHECKING:
    from tmplmon.sandbox.limits import Sizes

_MOST = 1 << 40
_PART = 8
"""A string that is one of many in a list counts as so many items: it takes more memory than the reference to it."""
_PYTHON = 64
"""Steps of a loop in Python for each of its rounds."""


@dataclass(frozen=True, slots=True)
class Row:
    """The bounds of an operation.

    size: arguments → the largest number of characters or items of the result. None: no larger than an argument.
    cost: arguments → the largest number of steps. None: a constant.
    check: (sizes, arguments) checks bounds that need more than one formula.
    """

    size: Callable[..., int] | None = None
    cost: Callable[..., int] | None = None
    check: "Callable[..., None] | None" = None

    def apply(self, sizes: "Sizes", name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Check the bounds for the arguments of a call. Raises TooLargeError, what the budget raises, and TypeError
        for arguments that the operation does not take."""
        if self.check is not None:
            self.check(sizes, *args, **kwargs)
        if self.size is not None:
            sizes.bounded(self.size(*args, **kwargs), name)
        if self.cost is not None:
            sizes.paid(self.cost(*args, **kwargs), name)


def raise_own_error(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Call a function if it does not take these arguments, so that it raises its own TypeError."""
    from inspect import signature

    try:
        own = signature(function)
    except ValueError:
        return
    try:
        own.bind(*args, **kwargs)
    except TypeError:
        function(*args, **kwargs)


# --- measures of arguments ---------------------------------------------------------------------------------


def n(value: Any) -> int:
    return len(value) if isinstance(value, _SIZED) else 0


_SIZED: tuple[type[Any], ...] = (
    str,
    bytes,
    bytearray,
    list,
    tuple,
    dict,
    set,
    frozenset,
    deque,
    range,
    *CONTAINERS[7:10],
)


def chars(value: Any) -> int:
    return len(value) if isinstance(value, str) else text_length(value, _MOST)


def number(value: Any) -> int:
    return int(value) if isinstance(value, int) else 0


def weight(value: Any) -> int:
    return expansion((value,), _MOST)[0]


def _ordering(items: Any, attribute: Any = None) -> int:
    """Comparisons of sorting: each item with a logarithm of their number, and the look-ups of an attribute."""
    if not isinstance(items, _SIZED):
        return 0  # an iterator, each item of which is paid for when it is taken
    size = len(items)
    if attribute is None and not PLAIN.issuperset(map(type, items)):
        size = weight(items)
    return size * max(len(items), 1).bit_length() + _along(items, attribute)


def _path(attribute: Any) -> int:
    """The steps to look up a path such as "a.b.c" in an item."""
    return (
        _PYTHON * (attribute.count(".") + attribute.count(",") + 1) if isinstance(attribute, str) else _PYTHON
    )


def _along(items: Any, attribute: Any) -> int:
    return 0 if attribute is None else max(n(items), 1) * _path(attribute)


def escaped_length(value: Any) -> int:
    if isinstance(value, Markup):
        return len(value)
    if not isinstance(value, str):
        return 5 * chars(value)
    return len(value) + 4 * sum(map(value.count, "&'\"")) + 3 * sum(map(value.count, "<>"))


def _forward(text: Any, part: Any = "", *_: Any) -> int:
    """Searching from the left is linear, with a larger factor for longer parts."""
    return n(text) * (1 if n(part) < 6 else 8) + n(part)


def _backward(text: Any, part: Any = "", *_: Any, **__: Any) -> int:
    """Searching from the right compares the part at each position."""
    return n(text) * max(n(part), 1)


def _parts(text: Any, sep: Any = None, maxsplit: Any = -1) -> int:
    if sep is None:
        parts = n(text) // 2 + 1
    elif not isinstance(sep, (str, bytes, bytearray)) or isinstance(sep, str) is not isinstance(text, str):
        return 0
    else:
        parts = n(text) // max(n(sep), 1) + 1
        if parts * _PART >= 1024 and n(sep):
            parts = text.count(sep) + 1
    return _PART * (min(parts, maxsplit + 1) if isinstance(maxsplit, int) and maxsplit >= 0 else parts)


_LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def lines(text: Any) -> int:
    if len(text) < 128:
        return len(text) + 1
    ends: Any = _LINE_ENDS if isinstance(text, str) else [b"\n", b"\r"]
    return 1 + sum([int(text.count(end)) for end in ends])


def _hashed(values: Any) -> int:
    """Inserting keys in a dict or set: each takes the time of its hash. Keys of equal hash are compared with each
    other; only large integers, and tuples of them, can be made to have equal hashes."""
    if not isinstance(values, _SIZED) or not values:
        return 0
    if isinstance(values, range):
        many = len(values) if max(abs(values[0]), abs(values[-1])) >= _MODULUS else 0
        return len(values) + many * many
    if isinstance(values, (str, bytes, bytearray)):
        return len(values)
    many = sum([type(key) is not str and _may_collide(key) for key in values])
    return weight(tuple(values)) + (many * many if many > 100 else 0)


_MODULUS = (1 << 61) - 1  # `sys.hash_info.modulus`: smaller integers are their own hashes


def _may_collide(key: Any) -> bool:
    if isinstance(key, int):
        return not -_MODULUS < key < _MODULUS
    if isinstance(key, tuple):
        return any(map(_may_collide, key))
    return isinstance(key, (frozenset, float))


def _keys(target: Any, *others: Any, **_: Any) -> int:
    return n(target) + sum(map(_hashed, others))


# --- codecs ------------------------------------------------------------------------------------------------

_PLAIN_CODECS = frozenset(
    {"utf8", "utf16", "utf16le", "utf16be", "utf32", "utf32le", "utf32be", "ascii", "latin1"}
)
_SHORT = 1024


def _codec(text: Any, encoding: Any = "utf-8", errors: Any = "strict") -> int:
    """The size of an encoded or decoded text. Codecs with other names may take quadratic time, and Python remembers
    every unknown name: they are for short texts, and only those that Python comes with."""
    if not isinstance(encoding, str) or not isinstance(errors, str):
        return 0
    name = encoding.lower().replace("-", "").replace("_", "").replace("iso88591", "latin1")
    if name not in _PLAIN_CODECS:
        from encodings.aliases import aliases

        normal = encoding.lower().replace("-", "_").replace(" ", "_")
        if normal not in aliases and normal not in aliases.values() and normal not in _MORE_CODECS:
            raise LookupError(f"unknown encoding: {encoding[:50]}")
        if len(text) > _SHORT:
            raise TooLargeError(
                f"only texts of at most {_SHORT} characters can be converted with {encoding!r}"
            )
    if errors not in _HANDLERS:
        raise LookupError(f"unknown error handler name '{errors[:50]}'")
    return (4 if errors in _SIMPLE_HANDLERS else 100) * (len(text) + 1)


_MORE_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf_8_sig", "charmap"})
_SIMPLE_HANDLERS = frozenset({"strict", "ignore", "replace", "surrogateescape", "surrogatepass"})
_HANDLERS = _SIMPLE_HANDLERS | {"backslashreplace", "xmlcharrefreplace", "namereplace"}

# --- methods -----------------------------------------------------------------------------------------------

_FREE = Row()
_LINEAR = Row(cost=lambda this, *_, **__: n(this))
_CASED = Row(lambda text: n(text) if text.isascii() else 3 * n(text), lambda text: 2 * n(text))
_FORWARD = Row(cost=_forward)
_BACKWARD = Row(cost=_backward)
_AFFIX = Row(cost=lambda text, affix="", *_: sum(map(n, affix)) if isinstance(affix, tuple) else n(affix))
_WIDE = Row(lambda text, *_: n(text), lambda text, *_: n(text), methods.width)
_COMPARED = Row(cost=lambda this, value=None, *_: weight(this) + weight(value))
_HASHED = Row(cost=lambda this, key=None, *_: 0 if type(key) in PLAIN else weight(key))


def _rows(names: str, row: Row) -> dict[str, Row]:
    return dict.fromkeys(names.split(), row)


_TEXT = {
    **_rows("capitalize lower swapcase title upper", _CASED),
    **_rows("center ljust rjust zfill", _WIDE),
    **_rows(
        "isalnum isalpha isascii isdigit islower isspace istitle isupper removeprefix removesuffix", _LINEAR
    ),
    **_rows("count find index partition", _FORWARD),
    **_rows("rfind rindex rpartition", _BACKWARD),
    **_rows("startswith endswith", _AFFIX),
    **_rows("strip lstrip rstrip", Row(None, lambda text, *_: n(text), methods.stripped)),
    "expandtabs": Row(None, lambda text, *_, **__: n(text), methods.expandtabs),
    "join": Row(None, None, methods.joined),
    "replace": Row(None, lambda text, old="", *_, **__: _forward(text, old), methods.replaced),
    "split": Row(_parts, lambda text, sep=None, *_, **__: _forward(text, sep)),
    "rsplit": Row(_parts, lambda text, sep=None, *_, **__: _backward(text, sep)),
    "splitlines": Row(lambda text, *_, **__: _PART * lines(text), lambda text, *_, **__: 10 * n(text)),
    "translate": Row(None, lambda text, *_, **__: 16 * n(text), methods.translated),
    "maketrans": Row(lambda this, x="", *_: _PART * n(x), lambda this, x="", *_: _PYTHON * n(x)),
}
_BYTES = {
    **_TEXT,
    "decode": Row(_codec, lambda this, *_, **__: 4 * n(this)),
    "fromhex": Row(lambda this, text="": n(text), lambda this, text="": n(text)),
    "hex": Row(lambda this, *_, **__: 3 * n(this), lambda this, *_, **__: 3 * n(this)),
}
_MUTABLE = {
    **_rows("append appendleft insert", Row(None, None, methods.appended)),
    **_rows("extend extendleft", Row(None, lambda this, new=(), *_: n(new), methods.extended)),
    **_rows("clear copy reverse", _LINEAR),
    **_rows("count index remove", _COMPARED),
    "pop": _LINEAR,
}
_SET = {
    "add": Row(None, _HASHED.cost, methods.appended),
    **_rows("clear copy", _LINEAR),
    **_rows("discard remove", _HASHED),
    "pop": _FREE,
    "update": Row(None, _keys, methods.updated),
    **_rows(
        "difference difference_update intersection intersection_update isdisjoint issubset issuperset"
        " symmetric_difference symmetric_difference_update union",
        Row(lambda this, *others: n(this) + sum(map(n, others)), _keys),
    ),
}
_DICT = {
    **_rows("clear copy", _LINEAR),
    **_rows("get pop move_to_end", _HASHED),
    **_rows("items keys values popitem", _FREE),
    "fromkeys": Row(lambda this, keys=(), *_: n(keys), lambda this, keys=(), *_: _hashed(keys)),
    "setdefault": Row(None, _HASHED.cost, methods.appended),
    "update": Row(None, _keys, methods.updated),
}
_NUMBER = _rows("as_integer_ratio bit_count bit_length conjugate is_integer", _FREE)

METHODS: dict[type[Any], dict[str, Row]] = {
    str: {
        **_TEXT,
        **_rows("isdecimal isidentifier isnumeric isprintable", _LINEAR),
        "casefold": _CASED,
        "encode": Row(_codec, lambda text, *_, **__: 4 * n(text)),
        # Replaced by methods of the sandbox, which check each field.
        **_rows("format format_map", _LINEAR),
    },
    Markup: {
        "escape": Row(
            lambda this, value="", *_: escaped_length(value), lambda this, value="", *_: chars(value)
        ),
        "striptags": Row(None, lambda text: n(text) * (1 + text.count("<!--") + text.count("<") // 64)),
        "unescape": _LINEAR,
    },
    bytes: _BYTES,
    bytearray: {
        **_MUTABLE,
        **_BYTES,
        **_rows("count index", _FORWARD),
        "resize": Row(lambda this, size=0: number(size)),
        "take_bytes": _LINEAR,
    },
    int: {
        **_NUMBER,
        "from_bytes": Row(check=methods.from_bytes),
        "to_bytes": Row(check=methods.to_bytes),
    },
    float: {**_NUMBER, "fromhex": Row(cost=lambda this, text="": n(text)), **_rows("hex from_number", _FREE)},
    complex: _rows("conjugate from_number", _FREE),
    list: {**_MUTABLE, "sort": Row(cost=lambda this, **_: _ordering(this) + _PYTHON * n(this))},
    tuple: _rows("count index", _COMPARED),
    dict: _DICT,
    OrderedDict: {},
    defaultdict: {},
    Counter: {
        **_rows("elements total", _LINEAR),
        "most_common": Row(cost=lambda this, *_: _ordering(this)),
        "subtract": Row(None, _keys),
    },
    set: _SET,
    frozenset: _SET,
    deque: {**_MUTABLE, "popleft": _FREE, "rotate": _LINEAR},
    range: _rows("count index", _LINEAR),
    memoryview: {
        **_rows("cast release toreadonly count index", _FREE),
        "hex": Row(lambda this, *_, **__: 3 * this.nbytes),
        **_rows("tobytes tolist", Row(lambda this, *_, **__: this.nbytes)),
    },
}
_TABLED = tuple(METHODS)


def row_of(name: str, this: Any) -> Row | None:
    """Return the row of a method of a built-in type, or of a class that is derived from one.

    this: the object or, for the method of a class, the class.

    Returns None if the method is not one of a built-in type of the table. Raises KeyError for one without a row.
    """
    kind = this if isinstance(this, type) else type(this)
    if not issubclass(kind, _TABLED):
        return None
    for cls in kind.__mro__:
        rows = METHODS.get(cls)
        if rows is not None and name in rows:
            return rows[name]
    for cls in kind.__mro__:
        if name in vars(cls):
            # A method of a class of the application has no bounds of ours.
            if cls in METHODS:
                break
            return None
    raise KeyError(name)


# --- filters -----------------------------------------------------------------------------------------------


def _round(sizes: "Sizes", value: Any, precision: Any = 0, method: Any = "common") -> None:
    if isinstance(value, (str, bytes, bytearray, *CONTAINERS)):
        raise FilterArgumentError(f"round needs a number, not {type(value).__name__!r}")
    if not isinstance(precision, int):
        raise FilterArgumentError(f"the precision of round is an integer, not {type(precision).__name__!r}")
    if abs(precision) > MAX_DIGITS:
        raise TooLargeError(f"round: at most {MAX_DIGITS} digits")


MAX_DIGITS = 1000
"""The largest precision of the filter `round`."""


def _int(sizes: "Sizes", value: Any, default: Any = 0, base: Any = 10) -> None:
    # A base that is a power of two is converted at any length, the others up to 4,300 digits.
    if isinstance(value, (str, bytes, bytearray)) and isinstance(base, int) and len(value) > _SHORT:
        sizes.bits(len(value) * max(base - 1, 1).bit_length(), "int")


def json_length(value: Any, indent: Any) -> int:
    """The length of JSON: each character may be an escape, and with `indent` each item has a line of its own."""
    length = chars(value)
    if isinstance(value, str) and 6 * len(value) >= 1024:
        # An ASCII character that HTML or JSON escapes takes up to six, any other at most twelve.
        escapes = (
            sum(map(value.count, "<>&'\"\\")) if value.isascii() and value.isprintable() else 2 * len(value)
        )
        length += 6 * escapes
    if indent is None:
        return length
    width = len(indent) if isinstance(indent, str) else max(number(indent), 0)
    return length + length * width * _depth(value)


def _depth(value: Any) -> int:
    """How deeply containers are nested in a value; each container is visited once."""
    depth, level, seen = 0, [value], {id(value)}
    while level and depth < 1000:
        depth += 1
        inner = []
        for container in level:
            if isinstance(container, Mapping):
                container = list(container.values())
            if isinstance(container, (list, tuple)) and not PLAIN.issuperset(map(type, container)):
                for item in container:
                    if isinstance(item, (Mapping, list, tuple)) and id(item) not in seen:
                        seen.add(id(item))
                        inner.append(item)
        level = inner
    return depth


_OF_TEXT = Row(
    # Outside ASCII, the upper case of a character can be up to three characters.
    lambda value: chars(value) if not isinstance(value, str) or value.isascii() else 3 * len(value),
    lambda value: 4 * chars(value),
)
_ITEMS = Row()  # an iterator, each item of which is paid for when it is taken

FILTERS: dict[str, Row] = {
    "abs": _FREE,
    "attr": _FREE,
    "batch": Row(
        cost=lambda value, linecount=0, fill_with=None: number(linecount) if fill_with is not None else 0
    ),
    **_rows("capitalize lower title upper", _OF_TEXT),
    "center": Row(cost=lambda value, width=80: chars(value) + max(number(width), 0)),
    **_rows("count length d default", _FREE),
    "dictsort": Row(cost=lambda value, *_, **__: _ordering(value)),
    **_rows("e escape forceescape", Row(escaped_length, lambda value: 2 * chars(value))),
    "filesizeformat": Row(cost=lambda value, *_, **__: chars(value)),
    **_rows("first last random", _FREE),
    "float": Row(cost=lambda value, default=0.0: n(value)),
    "format": Row(cost=lambda value, *_, **__: chars(value)),
    "groupby": Row(cost=lambda value, attribute=None, *_, **__: _ordering(value, attribute)),
    "indent": Row(cost=lambda s, *_, **__: 10 * n(s)),
    "int": Row(None, lambda value, *_, **__: n(value), _int),
    "items": _ITEMS,
    "join": Row(cost=lambda value, d="", attribute=None: _along(value, attribute)),
    "list": Row(lambda value: n(value), lambda value: n(value)),
    **_rows("map", Row(cost=lambda value, *_, attribute=None, **__: _along(value, attribute))),
    **_rows(
        "max min", Row(cost=lambda value, case_sensitive=False, attribute=None: _ordering(value, attribute))
    ),
    "pprint": Row(cost=lambda value: chars(value) * _depth(value)),
    **_rows("reject select", _ITEMS),
    **_rows(
        "rejectattr selectattr", Row(cost=lambda value, attribute=None, *_, **__: _along(value, attribute))
    ),
    "replace": Row(cost=lambda s, old="", *_, **__: _forward(s, old)),
    "reverse": Row(cost=lambda value: n(value)),
    "round": Row(check=_round),
    **_rows("safe string", Row(cost=chars)),
    "slice": Row(cost=lambda value, *_, **__: n(value)),
    "sort": Row(
        cost=lambda value, reverse=False, case_sensitive=False, attribute=None: _ordering(value, attribute)
    ),
    "striptags": Row(
        cost=lambda value: (
            chars(value) * (1 + value.count("<!--") + value.count("<") // 64)
            if isinstance(value, str)
            else chars(value)
        )
    ),
    "sum": Row(cost=lambda value, attribute=None, start=0: _along(value, attribute)),
    "tojson": Row(
        lambda value, indent=None: json_length(value, indent), lambda value, *_, **__: 8 * chars(value)
    ),
    "trim": Row(cost=lambda value, chars=None: n(value)),
    "truncate": Row(cost=lambda s, *_, **__: n(s)),
    "unique": Row(
        cost=lambda value, case_sensitive=False, attribute=None: (
            _hashed(value) if attribute is None else _along(value, attribute)
        )
    ),
    "urlencode": Row(
        lambda value: (3 if isinstance(value, str) and value.isascii() else 12) * chars(value),
        lambda value: 16 * chars(value),
    ),
    "urlize": Row(None, lambda value, *_, **__: 32 * chars(value)),
    "wordcount": Row(lambda s: _PART * (chars(s) // 2 + 1), lambda s: 8 * chars(s)),
    "wordwrap": Row(cost=lambda s, *_, **__: _PYTHON * n(s)),
    "xmlattr": Row(lambda d, *_, **__: 5 * chars(d), lambda d, *_, **__: 8 * chars(d)),
}
"""Filter → its row. Further sizes are checked by `filters`."""

# --- tests, globals, operators -----------------------------------------------------------------------------

_EQUAL = Row(check=lambda sizes, value, other=None: sizes.comparing(value, other))
_FORMATTING = Row(cost=lambda value, *_: n(value))  # ``%`` of a str, which `Sizes.modulo` checks

TESTS: dict[str, Row] = {
    **_rows("!= < <= == > >= eq equalto ge greaterthan gt le lessthan lt ne", _EQUAL),
    **_rows(
        "boolean callable defined escaped false float integer iterable mapping none number sameas sequence string"
        " true undefined",
        _FREE,
    ),
    **_rows("divisibleby even odd", _FORMATTING),
    **_rows("filter test", Row(cost=weight)),
    "in": Row(
        cost=lambda value, seq=(): (
            _forward(seq, value)
            if isinstance(seq, str)
            else weight(value)
            + (
                0
                if isinstance(seq, (dict, set, frozenset))
                else weight(seq)
                if isinstance(seq, CONTAINERS)
                else n(seq)
            )
        )
    ),
    **_rows("lower upper", Row(None, chars)),
}

GLOBALS: dict[str, Row] = {
    # Their arguments are measured as values that a container will contain.
    "cycler": _FREE,
    "dict": Row(lambda value=(), **_: n(value), lambda value=(), **_: _hashed(value)),
    "joiner": _FREE,
    "namespace": Row(lambda value=(), **_: n(value), lambda value=(), **_: _hashed(value)),
    "lipsum": Row(None, lambda n=5, html=True, min=20, max=100: _PYTHON * number(n) * number(max)),
    "range": _FREE,
}

OPERATORS: dict[str, Row] = {
    # `Sizes` has a method for each of the first four.
    "+": Row(lambda left, right: n(left) + n(right)),
    "*": Row(lambda left, right: n(left) * number(right) + n(right) * number(left)),
    "**": Row(lambda left, right: number(left).bit_length() * number(right)),
    "%": Row(lambda left, right: n(left)),
    # At most the product of two integers of MAX_BITS.
    **_rows("- / //", _FREE),
    **_rows("== != < <= > >=", _EQUAL),
    **_rows("in not-in", TESTS["in"]),
    "~": Row(lambda *items: sum(map(chars, items))),
    "[:]": Row(cost=lambda value, *_: n(value)),
    "[]": _HASHED,
}
