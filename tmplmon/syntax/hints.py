"""Hints for what newcomers write: habits from Python, JavaScript, PHP, Django and Liquid.

Rule: a hint is a row of a table. It never decides whether a template is valid; it is looked up after an error. The
first row that fits is used. In the patterns, ``{{``, ``}}``, ``{%`` and ``%}`` stand for the syntax's delimiters.
"""

import re
from typing import NamedTuple

from tmplmon.syntax.lexer import Syntax


class Hint(NamedTuple):
    """A row.

    before: a regular expression for the text from the start of the tag to the error; it must match at its end.
    at: a regular expression for the text that begins at the error.
    text: the hint.
    """

    before: str
    at: str
    text: str


_ASSIGNED_AGAIN = "there are no assignments such as '+=' or '++'; write {% set x = x + 1 %}"
_FILTER_ARGUMENTS = "the arguments of a filter are in parentheses, as in default('a')"
_INCLUDE = (
    "an included template sees all variables; set others with {% with x=1 %}{% include 'a' %}{% endwith %}"
)
_SET = "assign with {% set x = 1 %}"

IN_TAGS = (
    # Delimiters and braces.
    Hint(r"\{%.*\{\{[^{}]*", r"\}", "inside a tag, a variable is written without '{{' and '}}'"),
    Hint(r"\{\{\{[^{}]*", r"\}", "an output has two braces, as in {{ x }}"),
    # Assignments and operators.
    Hint(r"\{%[-+]?\s*else\s*", r"if\b", "write 'elif'"),
    Hint(
        r"\{%[-+]?\s*block\s+\w+\s*",
        r"-",
        "the name of a block cannot contain a hyphen; an underscore is fine",
    ),
    Hint(r"\{%.*\bset\s+[\w.]+\s*", r"[-+*/%~|]=", _ASSIGNED_AGAIN),
    Hint(r"(\+\+|--)\s*", r"-?(\}\}|%\})", _ASSIGNED_AGAIN),
    Hint(r"!=\s*", r"=", "'!=' compares"),
    Hint(r"<\s*", r">", "write '!='"),
    Hint(r"", r"=<", "write '<='"),
    Hint(r"", r"=>", "write '>='"),
    Hint(r"", r":=", _SET),
    Hint(r"(\{\{|(el)?if\b).*", r"=", "'==' compares"),
    Hint(r"-\s*", r">", "write '.' for an attribute"),
    Hint(r"", r"::", "write '.' for an attribute"),
    Hint(r"\{%[-+]?\s*set\s+\w+\s*:\s*", r"", _SET),
    Hint(r"\{%[-+]?\s*set\s+\w+\s+", r"\w", _SET),
    Hint(r"", r"&", "write 'and'"),
    Hint(r"\|\s*", r"\|", "write 'or'"),
    Hint(r"", r"!", "write 'not'"),
    Hint(
        r"",
        r"\?\.",
        "write '.'; an attribute of an undefined value needs ChainableUndefined, or a test before",
    ),
    Hint(r"", r"\?\?", "write default(), as in x|default('a')"),
    Hint(r"", r"\?", "write 'a if condition else b'"),
    Hint(r"", r"\$", "a variable is written without '$'"),
    Hint(r"", r";", "a tag ends without ';'"),
    # Expressions of Python.
    Hint(
        r"[\[({].*",
        r"(async\s+)?for\b",
        "there are no comprehensions; use the filters map and select, or a loop",
    ),
    Hint(r"\blambda\s*", r"", "there is no 'lambda'; write a macro, or pass a function to the template"),
    Hint(r"\b[fFrRbBuU]{1,2}", r"['\"]", "a string has no prefix; join texts with '~', as in 'a' ~ x"),
    Hint(r"\bawait\s+", r"", "an asynchronous environment awaits calls without 'await'"),
    Hint(r"\{\{-?\s*import\s+", r"", "a template cannot import Python modules; pass functions to it"),
    Hint(r"\{\{-?\s*if\s*", r"", "write {{ a if condition else b }}, or {% if condition %}"),
    Hint(r"\belse\s+if\s*", r"", "chain conditions as in: a if x else b if y else c"),
    Hint(r"", r"else\b", "write {{ a if condition else b }}"),
    Hint(r"\(([^()]*,)?\s*\w+\s*", r":", "a keyword argument is written name=value"),
    # Filters, and statements.
    Hint(r"\|\s*\w+\s*", r":|['\"\w]", _FILTER_ARGUMENTS),
    Hint(r"", r"then\b", "there is no 'then'; the condition ends with the tag"),
    Hint(r"\bfor\s+[\w\s,]+", r"of\b", "write 'in'"),
    Hint(r"\{%[-+]?\s*with\b.*", r"as\b", "write {% with name=value %}"),
    Hint(r"\{%[-+]?\s*end(?!block)\w+\s*", r"[\w(]", "an end tag has nothing but its name"),
    Hint(r"\{%[-+]?\s*include\b.*", r"with\b|,", _INCLUDE),
    Hint(r"\{%[-+]?\s*include\b.*", r"only\b", "write 'without context'"),
    Hint(r"\{%[-+]?\s*from\b.*\bimport\s*", r"\*", "name what is imported, or write {% import 'a' as a %}"),
    Hint(
        r"\{%[-+]?\s*from\b.*\bimport\s+[\w\s,]+",
        r"\(",
        "a macro is imported by its name, without parentheses",
    ),
    Hint(r"\{%[-+]?\s*import\b.*", r"[-+]?%\}", "give the template a name, as in {% import 'a' as a %}"),
    Hint(r"\{%[-+]?\s*block\s+", r"['\"]", "the name of a block is not quoted"),
    Hint(r"\{%[-+]?\s*macro\s+\w+\s*", r"[-+]?%\}", "a macro has parentheses, as in {% macro name() %}"),
)

_DJANGO = "a tag of Django that has no counterpart here"
_PYTHON = "a template has no statements of Python; pass functions to it"

UNKNOWN_TAGS = {
    "assign": "write 'set'",
    "autoescape_off": "write {% autoescape false %}",
    "blocktrans": "write 'trans'",
    "blocktranslate": "write 'trans'",
    "case": "write 'elif'",
    "capture": "write {% set name %}…{% endset %}",
    "catch": _PYTHON,
    "class": _PYTHON,
    "comment": "write comments between the comment delimiters",
    "const": "write 'set'",
    "csrf_token": "write {{ csrf_input }} with Django",
    "cycle": "call loop.cycle() or a cycler() in an output",
    "def": "write 'macro'",
    "each": "write 'for'",
    "echo": "write an output, as in {{ x }}",
    "elseif": "write 'elif'",
    "elsif": "write 'elif'",
    "empty": "write 'else' for the body of a 'for' that had nothing to loop over",
    "endcomment": "write comments between the comment delimiters",
    "firstof": "write {{ a or b }}",
    "foreach": "write 'for'",
    "function": "write 'macro'",
    "ifchanged": "write {% if loop.changed(x) %}",
    "ifequal": "write {% if a == b %}",
    "ifnotequal": "write {% if a != b %}",
    "layout": "write 'extends'",
    "let": "write 'set'",
    "load": "tags and filters are added to the environment; leave it out",
    "lorem": "call lipsum() in an output",
    "now": f"{_DJANGO}; pass the date to the template",
    "partial": "write 'include'",
    "regroup": "use the filter groupby",
    "render": "write 'include'",
    "return": "a macro returns its output; use {% set %} or a function of the application for other values",
    "section": "write 'block'",
    "spaceless": "remove white space with '-', as in {%- if x -%}",
    "static": "call a function in an output, as in {{ static('a.css') }}",
    "super": "call it in an output: {{ super() }}",
    "switch": "write 'if' and 'elif'",
    "templatetag": "write the delimiter as a string, as in {{ '{%' }}",
    "throw": _PYTHON,
    "translate": "write {{ _('text') }} or {% trans %}text{% endtrans %}",
    "try": _PYTHON,
    "unless": "write 'if not'",
    "url": "call a function in an output, as in {{ url('name') }} or {{ url_for('name') }}",
    "var": "write 'set'",
    "verbatim": "write 'raw'",
    "when": "write 'elif'",
    "while": "there is only 'for'",
    "widthratio": "write the calculation in an output",
    "yield": "call caller() or a block in an output",
}
"""Name of a tag of another language → what to write here."""

UNKNOWN_NAMES = {
    ("test", "blank"): "write 'not x'",
    ("test", "empty"): "write 'not x'",
    ("test", "nil"): "write 'none'",
    ("test", "null"): "write 'none'",
    ("test", "set"): "write 'defined'",
    ("filter", "date"): "call the method strftime, or add a filter",
    ("filter", "escapejs"): "write 'tojson'",
    ("filter", "json"): "write 'tojson'",
    ("filter", "linebreaks"): "add a filter for it to the environment",
    ("filter", "lowercase"): "write 'lower'",
    ("filter", "pluralize"): "write an inline if, as in {{ 's' if n != 1 }}",
    ("filter", "raw"): "write 'safe'",
    ("filter", "size"): "write 'length'",
    ("filter", "uppercase"): "write 'upper'",
}
"""(kind, name) of a test or filter of another language → what to write here."""


def in_tag(text: str, start: int, position: int, syntax: Syntax) -> str | None:
    """The hint for an error in a tag.

    text: the source. start: the offset of the tag. position: the offset of the error.
    """
    before = text[start:position]
    if len(before) > 500:  # so that a pattern takes no time in a tag of a megabyte
        before = before[:100] + before[-400:]
    for hint in IN_TAGS:
        if re.compile(_delimited(hint.at, syntax)).match(text, position) and (
            not hint.before or re.search(rf"(?:{_delimited(hint.before, syntax)})\Z", before, re.S)
        ):
            return hint.text
    return None


def unknown_tag(name: str, text: str, end: int) -> str | None:
    """The hint for an unknown tag. end: the offset after its name."""
    if re.compile(r"\s*([-+*/%~|]=|\+\+|--)").match(text, end):
        return _ASSIGNED_AGAIN
    if re.compile(r"\s*=(?!=)").match(text, end):
        return _SET
    return UNKNOWN_TAGS.get(name)


def _delimited(pattern: str, syntax: Syntax) -> str:
    """A pattern with the delimiters of the syntax."""
    delimiters = {
        r"\{%": syntax.block_start_string,
        r"%\}": syntax.block_end_string,
        r"\{\{\{": syntax.variable_start_string + "{",
        r"\{\{": syntax.variable_start_string,
        r"\}\}": syntax.variable_end_string,
    }
    return re.sub(
        r"\\\{\\\{\\\{|\\\{%|%\\\}|\\\{\\\{|\\\}\\\}", lambda match: re.escape(delimiters[match[0]]), pattern
    )
