"""The built-in filters, tests and globals, with limits.

Rule: a sandboxed filter is the engine's own filter behind a check that receives the same arguments. The check
refuses a result that would be too large; the filter itself reports any other error in the arguments.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tmplmon.errors import FilterArgumentError, TooLargeError
from tmplmon.runtime.budget import current
from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.filters.general import do_attr
from tmplmon.runtime.filters.lookup import path_getter
from tmplmon.runtime.globals import GLOBALS, generate_lorem_ipsum
from tmplmon.runtime.markers import (
    async_aware,
    auto_aiter,
    auto_to_list,
    first_argument,
    pass_arg_of,
    pass_context,
    pass_environment,
    pass_eval_context,
)
from tmplmon.runtime.tests import TESTS
from tmplmon.runtime.undefined import Undefined
from tmplmon.sandbox.formatting import check_percent
from tmplmon.sandbox.hidden import HIDDEN, SandboxedNamespace
from tmplmon.sandbox.limits import Sizes, safe_range
from tmplmon.sandbox.measure import text_length
from tmplmon.sandbox.methods import limited_texts, replaced, stripped
from tmplmon.sandbox.operations import FILTERS as BOUNDS
from tmplmon.sandbox.operations import GLOBALS as GLOBAL_BOUNDS
from tmplmon.sandbox.operations import TESTS as TEST_BOUNDS
from tmplmon.sandbox.operations import Row, json_length, raise_own_error
from tmplmon.sandbox.spending import MAX_ITERATORS, OF_ITEMS, check_iteration, clocked, paid_sequence, paying

if TYPE_CHECKING:
    from tmplmon.environment import Environment


class _Checks:
    """The check of each filter, under the filter's name."""

    def __init__(self, limits: Sizes) -> None:
        self.limits = limits

    def text(self, value: Any, *_: Any, **__: Any) -> None:
        """The check of filters that convert their value to text."""
        self.limits.text(value)

    def center(self, value: Any, width: Any = 80) -> None:
        self.limits.text(value)
        if isinstance(width, int):
            self.limits.size(width, "the text")

    def indent(self, s: Any, width: Any = 4, first: Any = False, blank: Any = False) -> None:
        added = len(width) if isinstance(width, str) else width if isinstance(width, int) else 0
        lines = len(s.splitlines()) + 1 if isinstance(s, str) else 1
        self.limits.size((len(s) if isinstance(s, str) else 0) + max(added, 0) * lines, "the text")

    def format(self, value: Any, *args: Any, **kwargs: Any) -> None:
        self.limits.text(value)
        check_percent(self.limits, str(value), kwargs or args)

    def replace(self, s: Any, old: Any, new: Any, count: Any = None) -> None:
        for value in (s, old, new):
            self.limits.text(value)
        replaced(self.limits, str(s), str(old), str(new), -1 if count is None else count)

    def trim(self, value: Any, chars: Any = None) -> None:
        self.limits.text(value)
        stripped(self.limits, str(value), chars)

    def truncate(
        self, s: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = None
    ) -> None:
        _check_texts("truncate", end)
        if isinstance(s, str) and isinstance(end, str):
            self.limits.size(len(s) + len(end), "the text")

    def wordwrap(
        self,
        s: Any,
        width: Any = 79,
        break_long_words: Any = True,
        wrapstring: Any = None,
        break_on_hyphens: Any = True,
    ) -> None:
        _check_texts("wordwrap", wrapstring)
        if not isinstance(s, str) or not isinstance(width, int) or width <= 0:
            return
        longest = max(map(len, s.split()), default=0)
        self.limits.work(longest * longest // width, "wordwrap")
        if isinstance(wrapstring, str):
            self.limits.size(
                len(s) + len(wrapstring) * (2 * len(s) // width + len(s.splitlines())), "the text"
            )

    def urlize(
        self,
        value: Any,
        trim_url_limit: Any = None,
        nofollow: Any = False,
        target: Any = None,
        rel: Any = None,
        extra_schemes: Any = None,
    ) -> None:
        self.limits.text(value)
        _check_texts("urlize", rel, target)
        added = sum(len(text) for text in (target, rel) if isinstance(text, str))
        if isinstance(value, str):
            self.limits.size(len(value) + added * len(value.split()), "the text")
            if isinstance(extra_schemes, (list, tuple)):
                self.limits.work(len(value) * len(extra_schemes), "urlize")

    def tojson(self, value: Any, indent: Any = None) -> None:
        self.limits.size(json_length(value, indent), "the JSON")

    def batch(self, value: Any, linecount: Any, fill_with: Any = None) -> None:
        if fill_with is not None and isinstance(linecount, int):
            self.limits.count(linecount, "batch: items to fill a row up")

    def slice(self, value: Any, slices: Any, fill_with: Any = None) -> None:
        if isinstance(slices, int):
            self.limits.count(slices, "slice: lists")

    def pprint(self, value: Any) -> None:
        # pprint is far slower per character than other filters.
        self.limits.text(value)
        self.limits.work(16 * text_length(value, self.limits.max_size), "pprint")

    def xmlattr(self, d: Any, autospace: Any = True) -> None:
        self.limits.text(d)

    def urlencode(self, value: Any) -> None:
        self.limits.text(value)


# Filter → its check.
_CHECKS: dict[str, Callable[..., None]] = {
    **dict.fromkeys(
        (
            *("capitalize", "e", "escape", "forceescape", "lower", "safe", "string", "striptags", "title"),
            *("upper", "wordcount"),
        ),
        _Checks.text,
    ),
    "batch": _Checks.batch,
    "center": _Checks.center,
    "format": _Checks.format,
    "indent": _Checks.indent,
    "pprint": _Checks.pprint,
    "replace": _Checks.replace,
    "slice": _Checks.slice,
    "tojson": _Checks.tojson,
    "trim": _Checks.trim,
    "truncate": _Checks.truncate,
    "urlencode": _Checks.urlencode,
    "urlize": _Checks.urlize,
    "wordwrap": _Checks.wordwrap,
    "xmlattr": _Checks.xmlattr,
}


_WITHOUT_METHODS = frozenset(
    (bool, complex, dict, float, frozenset, int, list, range, set, tuple, type(None))
)
"""Classes without the methods of str: a filter for strings reports them by itself, or has nothing to do."""


def _check_text(name: str, value: Any) -> None:
    """Refuse an object of which a filter for strings would call methods that a template may have chosen."""
    if not isinstance(value, str | Undefined) and type(value) not in _WITHOUT_METHODS:
        raise FilterArgumentError(f"{name} needs a str, not {type(value).__name__!r}")


def _check_texts(name: str, *values: Any) -> None:
    """Check arguments that are strings: the filter calls their methods."""
    for value in values:
        _check_text(name, value)


def _iterating(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that takes an item of its value, if the class of the value does not forbid that."""

    @wraps(function)
    def iterating(first: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        check_iteration(value)
        return function(first, value, *args, **kwargs)

    return iterating


def _of_text(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the filter `function`, which calls methods of its value, for real strings. An object of a class
    with the methods of str, such as a translation that is looked up late, is converted."""
    position = 0 if pass_arg_of(function) is None else 1

    @wraps(function)
    def of_text(*args: Any, **kwargs: Any) -> Any:
        value = args[position] if len(args) > position else None
        if not isinstance(value, str) and hasattr(type(value), "splitlines"):
            args = (*args[:position], str(value), *args[position + 1 :])
        else:
            _check_text(name, value)
        return function(*args, **kwargs)

    return of_text


class _Pairs(dict[Any, Any]):
    """A mapping as a filter sees it: its pairs were taken as a template takes them."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Any) -> None:
        self._pairs = pairs

    def items(self) -> Any:
        return self._pairs


def _of_pairs(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that calls the method `items` of its value: the environment decides about the call."""
    wants = pass_arg_of(function)

    @pass_context
    @wraps(function)
    def of_pairs(context: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        environment = context.environment
        if not isinstance(value, Undefined) and (type(value) is not dict or not environment._is_all_stock()):
            if isinstance(value, Mapping) or hasattr(type(value), "items"):
                items = environment.getattr(value, "items")
                value = _Pairs(list(environment.call(context, items)))
            elif name != "items":
                raise AttributeError(f"{type(value).__name__!r} object has no attribute 'items'")
        if wants is None:
            return function(value, *args, **kwargs)
        return function(first_argument(context, wants), value, *args, **kwargs)

    return of_pairs


def _checked(function: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    """Return the filter `function` with `check` in front, which gets the same arguments."""
    if pass_arg_of(function) is None:

        @wraps(function)
        def checked(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            check(value, *args, **kwargs)
            return function(value, *args, **kwargs)

        return checked

    @wraps(function)
    def checked_after_context(context: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        check(value, *args, **kwargs)
        return function(context, value, *args, **kwargs)

    return checked_after_context


def _bounded(limits: Sizes, name: str, row: Row, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter or test whose bounds are checked first."""
    if pass_arg_of(function) is None:

        @wraps(function)
        def bounded(value: Any, /, *args: Any, **kwargs: Any) -> Any:
            if args or kwargs or type(value) is not str or len(value) > _SHORT:
                try:
                    row.apply(limits, name, (value, *args), kwargs)
                except TypeError:
                    raise_own_error(function, (value, *args), kwargs)
                    raise
            return function(value, *args, **kwargs)

        return bounded

    @wraps(function)
    def bounded_after_context(context: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or type(value) is not str or len(value) > _SHORT:
            try:
                row.apply(limits, name, (value, *args), kwargs)
            except TypeError:
                raise_own_error(function, (context, value, *args), kwargs)
                raise
        return function(context, value, *args, **kwargs)

    return bounded_after_context


_SHORT = 16
"""The length of a string for which no filter without arguments takes long."""


def _collecting(limits: Sizes, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter, which asks for an argument of its own first, that gets a list in place of an iterator."""

    @wraps(function)
    def collecting(first: Any, value: Any, /, *args: Any, **kwargs: Any) -> Any:
        if hasattr(type(value), "__next__") and hasattr(type(value), "__iter__"):
            value = limits.collected(value)
        return function(first, value, *args, **kwargs)

    return collecting


def _measured(limits: Sizes, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter whose result, a list, is measured with all that it contains."""

    @wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return later(result) if isinstance(result, CoroutineType) else limits.container(result)

    async def later(result: Any) -> Any:
        return limits.container(await result)

    return measured


def _measured_each(limits: Sizes, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter whose result is an iterator over lists, each of which is measured."""

    @wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return later(result) if isinstance(result, CoroutineType) else each(result)

    def each(result: Any) -> Any:
        for item in result:
            yield limits.container(item)

    async def later(result: Any) -> Any:
        return each(await result)

    return measured


@pass_environment
@wraps(do_attr)
def _attr(environment: Any, obj: Any, name: str) -> Any:
    return environment._hidden(obj, name) if type(obj) in HIDDEN else do_attr(environment, obj, name)


def _join(limits: Sizes) -> Callable[..., Any]:
    join: Callable[..., Any] = FILTERS["join"]

    def join_arguments(eval_ctx: Any, items: Any, d: Any, attribute: Any) -> tuple[list[Any], Any]:
        get = None if attribute is None else path_getter(eval_ctx.environment, attribute)
        texts = limited_texts(limits, items if get is None else map(get, items))
        limits.size(text_length(d, limits.max_size) * len(texts), "the text")
        return texts, d

    @pass_eval_context
    @async_aware
    def do_join(eval_ctx: Any, value: Any, d: Any = "", attribute: Any = None) -> Any:
        budget = current.get()
        check_iteration(value)
        if budget is not None:
            value = paid_sequence(value, budget)
        if eval_ctx.environment.is_async:
            return join_async(eval_ctx, value, d, attribute)
        if type(value) is list and type(d) is str and attribute is None and set(map(type, value)) == {str}:
            limits.size(sum(map(len, value)) + len(d) * len(value), "the text")
            return d.join(value)
        return join(eval_ctx, *join_arguments(eval_ctx, value, d, attribute))

    async def join_async(eval_ctx: Any, value: Any, d: Any, attribute: Any) -> Any:
        return await join(eval_ctx, *join_arguments(eval_ctx, await auto_to_list(value), d, attribute))

    do_join.__doc__ = join.__doc__
    return do_join


def _sum(limits: Sizes) -> Callable[..., Any]:
    """The filter `sum`, which adds values other than numbers with the checked operator ``+``."""
    add_up: Callable[..., Any] = FILTERS["sum"]

    @pass_environment
    @async_aware
    def do_sum(environment: "Environment", iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
        if isinstance(start, (int, float)):
            return add_up(environment, iterable, attribute, start)
        if environment.is_async:
            return sum_async(environment, iterable, attribute, start)
        if isinstance(start, (str, bytes, bytearray)):
            sum((), start)  # raises the usual TypeError
        get = path_getter(environment, attribute)
        for item in iterable:
            start = limits.plus(None, start, item if get is None else get(item))
        return start

    async def sum_async(environment: "Environment", iterable: Any, attribute: Any, start: Any) -> Any:
        get = path_getter(environment, attribute)
        async for item in auto_aiter(iterable):
            start = limits.plus(None, start, item if get is None else get(item))
        return start

    do_sum.__doc__ = add_up.__doc__
    return do_sum


_LAZY = ("batch", "map", "reject", "rejectattr", "select", "selectattr", "slice", "unique")
"""Filters that return an iterator. Its items may come from the iterator of another filter."""

# Iterator of a filter → the number of other filters' iterators that it depends on.
_nesting: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


async def _register_async(coroutine: Any, depth: int) -> Any:
    iterator = await coroutine
    if isinstance(iterator, (GeneratorType, AsyncGeneratorType)):
        _nesting[iterator] = depth
    return iterator


def _with_limited_nesting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a lazy filter that refuses chains of more than MAX_ITERATORS iterators: Python frees such a chain
    recursively."""
    pass_arg = pass_arg_of(function)

    @wraps(function)
    def lazy_filter(first: Any, *args: Any, **kwargs: Any) -> Any:
        value = first if pass_arg is None else args[0] if args else None
        if not isinstance(value, (GeneratorType, AsyncGeneratorType)):
            return function(first, *args, **kwargs)
        depth = _nesting.get(value, 0) + 1
        if depth > MAX_ITERATORS:
            raise TooLargeError(f"more than {MAX_ITERATORS} iterators over each other")
        result = function(first, *args, **kwargs)
        if isinstance(result, CoroutineType):
            return _register_async(result, depth)
        if isinstance(result, (GeneratorType, AsyncGeneratorType)):
            _nesting[result] = depth
        return result

    return lazy_filter


def limited_filters(limits: Sizes) -> dict[str, Callable[..., Any]]:
    """The built-in filters, checked against `limits`."""
    checks = _Checks(limits)
    filters = dict(FILTERS)
    for name, check in _CHECKS.items():
        filters[name] = _checked(FILTERS[name], check.__get__(checks))
    for name in ("groupby", "list", "sort"):
        filters[name] = _collecting(limits, filters[name])
    for name in ("dictsort", "groupby", "list", "sort"):
        filters[name] = _measured(limits, filters[name])
    for name in ("batch", "slice"):
        filters[name] = _measured_each(limits, filters[name])
    filters["first"] = clocked(_iterating(filters["first"]))
    filters["attr"] = _attr
    for name, row in BOUNDS.items():
        if row.size or row.cost or row.check:
            filters[name] = _bounded(limits, name, row, filters[name])
    for name in ("indent", "truncate", "wordwrap"):
        filters[name] = _of_text(name, filters[name])
    for name in ("dictsort", "items", "xmlattr"):
        filters[name] = _of_pairs(name, filters[name])
    filters["join"] = _join(limits)
    filters["sum"] = _sum(limits)
    for name in _LAZY:
        filters[name] = _with_limited_nesting(filters[name])
    for name in OF_ITEMS:
        if name != "join":
            filters[name] = paying(name, filters[name])
    return filters


def limited_tests(limits: Sizes) -> dict[str, Callable[..., Any]]:
    """The built-in tests that compute a remainder: for a str, ``%`` is formatting and is checked."""
    modulo = limits.modulo
    return {
        **{
            name: _bounded(limits, name, row, TESTS[name])
            for name, row in TEST_BOUNDS.items()
            if row.size or row.cost or row.check
        },
        "in": limits.searched(TESTS["in"]),
        "odd": lambda value: modulo(None, value, 2) == 1,
        "even": lambda value: modulo(None, value, 2) == 0,
        "divisibleby": lambda value, num: modulo(None, value, num) == 0,
    }


def limited_globals(limits: Sizes) -> dict[str, Any]:
    """The built-in globals, checked against `limits`."""

    def lipsum(n: int = 5, html: bool = True, min: int = 20, max: int = 100) -> str:
        for number in (n, min, max):
            if not isinstance(number, int):
                raise TypeError(f"lipsum needs integers, not {type(number).__name__!r}")
        limits.count(n * max, "lipsum: words")
        GLOBAL_BOUNDS["lipsum"].apply(limits, "lipsum", (n, html, min, max), {})
        return generate_lorem_ipsum(n, html, min, max)

    lipsum.__doc__ = generate_lorem_ipsum.__doc__
    return {**GLOBALS, "range": safe_range, "namespace": SandboxedNamespace, "lipsum": lipsum}
