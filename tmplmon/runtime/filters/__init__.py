"""The built-in filters, by subject, and the one table of their names.

text      filters from text to text
number    filters for numbers and file sizes
sequence  filters that select, sort, group and join items
choose    filters that apply a filter or a test to each item
markup    filters for HTML, URLs and JSON
general   filters for all values
lookup    attributes of items, for the other modules
"""

from collections.abc import Callable
from typing import Any

from tmplmon.runtime.filters.choose import (
    do_map,
    do_reject,
    do_rejectattr,
    do_select,
    do_selectattr,
)
from tmplmon.runtime.filters.general import do_attr, do_default, do_pprint
from tmplmon.runtime.filters.markup import (
    do_forceescape,
    do_mark_safe,
    do_mark_unsafe,
    do_striptags,
    do_tojson,
    do_urlencode,
    do_urlize,
    do_xmlattr,
)
from tmplmon.runtime.filters.number import do_filesizeformat, do_float, do_int, do_round
from tmplmon.runtime.filters.sequence import (
    do_batch,
    do_dictsort,
    do_first,
    do_groupby,
    do_items,
    do_join,
    do_last,
    do_list,
    do_max,
    do_min,
    do_random,
    do_reverse,
    do_slice,
    do_sort,
    do_sum,
    do_unique,
)
from tmplmon.runtime.filters.text import (
    do_capitalize,
    do_center,
    do_format,
    do_indent,
    do_lower,
    do_replace,
    do_string,
    do_title,
    do_trim,
    do_truncate,
    do_upper,
    do_wordcount,
    do_wordwrap,
)
from tmplmon.runtime.html import escape

FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "attr": do_attr,
    "batch": do_batch,
    "capitalize": do_capitalize,
    "center": do_center,
    "count": len,
    "d": do_default,
    "default": do_default,
    "dictsort": do_dictsort,
    "e": escape,
    "escape": escape,
    "filesizeformat": do_filesizeformat,
    "first": do_first,
    "float": do_float,
    "forceescape": do_forceescape,
    "format": do_format,
    "groupby": do_groupby,
    "indent": do_indent,
    "int": do_int,
    "items": do_items,
    "join": do_join,
    "last": do_last,
    "length": len,
    "list": do_list,
    "lower": do_lower,
    "map": do_map,
    "max": do_max,
    "min": do_min,
    "pprint": do_pprint,
    "random": do_random,
    "reject": do_reject,
    "rejectattr": do_rejectattr,
    "replace": do_replace,
    "reverse": do_reverse,
    "round": do_round,
    "safe": do_mark_safe,
    "select": do_select,
    "selectattr": do_selectattr,
    "slice": do_slice,
    "sort": do_sort,
    "string": do_string,
    "striptags": do_striptags,
    "sum": do_sum,
    "title": do_title,
    "tojson": do_tojson,
    "trim": do_trim,
    "truncate": do_truncate,
    "unique": do_unique,
    "upper": do_upper,
    "urlencode": do_urlencode,
    "urlize": do_urlize,
    "wordcount": do_wordcount,
    "wordwrap": do_wordwrap,
    "xmlattr": do_xmlattr,
}
"""Name of each built-in filter → the function. Aliases are entries of their own."""

COLLECTING_FILTERS = frozenset(
    {"batch", "count", "last", "length", "max", "min", "random", "reverse", "sort", "tojson"}
)
"""Filters that take a list; in an asynchronous environment they wait for the items of an asynchronous iterable."""

__all__ = ["COLLECTING_FILTERS", "FILTERS", "do_mark_unsafe"]
