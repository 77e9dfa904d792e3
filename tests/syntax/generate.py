"""Random templates, most of them wrong, to compare which ones are accepted, and the lines of errors.

Tags never span lines here. If a tag with two mistakes spans lines, tmplmon and Jinja2 may report different
ones, and so different lines.
"""

from hypothesis import strategies as st

OPERANDS = [
    "a",
    "b",
    "loop",
    "true",
    "none",
    "1",
    "2.5",
    "'s'",
    '"t"',
    "if",
    "not",
    "in",
    "is",
    "recursive",
    "é",
]
SYMBOLS = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "|",
    "~",
    "+",
    "-",
    "*",
    "/",
    "//",
    "**",
    "%",
    "==",
    "<",
    "=",
]
WORDS = ["and", "or", "if", "else", "in", "is", "not", "not in", "is not", "defined", "divisibleby", "upper"]
CLAUSES = [
    *("ignore missing", "with context", "without context", "as", "import", "scoped", "required", "recursive"),
    *("trimmed", "notrimmed", "ignore", "missing", "context"),
]
TAGS = [
    *(
        "if",
        "elif",
        "else",
        "endif",
        "for",
        "endfor",
        "set",
        "endset",
        "with",
        "endwith",
        "macro",
        "endmacro",
    ),
    *(
        "call",
        "endcall",
        "filter",
        "endfilter",
        "block",
        "endblock",
        "autoescape",
        "endautoescape",
        "extends",
    ),
    *("include", "import", "from", "print", "do", "break", "continue", "debug", "raw x", "bogus"),
]
EXPRESSIONS = [
    *(
        "a",
        "a.b",
        "a.0",
        "a[1:]",
        "a[:, ::2]",
        "f(a, *b, **c)",
        "f(a=1, *b,)",
        "x is defined",
        "x is not odd",
    ),
    *(
        "x is divisibleby 3 and y",
        "a|f(1)|g",
        "-x|abs",
        "not a is b",
        "[1,]",
        "{1: 2}",
        "(a, b)",
        "()",
        "(a,)",
    ),
    *("a if b", "a if b else c if d", "2**-1", "a ~ b ~ c", "a not in b", "1 < a <= b", "'a' 'b'", "a, b"),
]
FORMS = [
    *("if {e}", "elif {e}", "else", "else:", "for {t} in {e}", "for {t}, {t} in {e} if {e} recursive"),
    *("set {t} = {e}", "set {t}, {t} = {e}", "set {t}", "set {t}|upper", "with {t}={e}, {t}={e}", "with"),
    *("macro {n}({n}, c={e})", "call {n}({e})", "call({n}) {n}({e})", "filter {n}|upper(1)"),
    *(
        "block {n}",
        "block {n} scoped required",
        "endblock {n}",
        "autoescape {e}",
        "include {e} ignore missing",
    ),
    *("include {e} without context", "import {e} as {n}", "from {e} import {n}, {n} as {n} with context"),
    *("from {e} import {n},", "print {e}, {e}", "do {e}", "extends {e}", "break", "continue"),
]
TARGETS = ["a", "b", "(a, b)", "ns.a", "true", "in", "(a, (b, c))", "a.b.c", "1"]
NAMES = ["a", "b", "c1", "if", "none", "_x"]
CLOSED = ["if", "for", "set", "with", "macro", "call", "filter", "block", "autoescape"]

_expression = st.sampled_from(EXPRESSIONS) | st.lists(
    st.sampled_from(OPERANDS + SYMBOLS + WORDS), max_size=6
).map(" ".join)


@st.composite
def _form(draw: st.DrawFn) -> str:
    form = draw(st.sampled_from(FORMS))
    for mark, values in (
        ("{e}", _expression),
        ("{t}", st.sampled_from(TARGETS)),
        ("{n}", st.sampled_from(NAMES)),
    ):
        while mark in form:
            form = form.replace(mark, draw(values), 1)
    return form


_soup = st.tuples(
    st.sampled_from(TAGS),
    st.lists(st.sampled_from(OPERANDS + SYMBOLS + WORDS + CLAUSES), max_size=5).map(" ".join),
).map(" ".join)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Text, output and tags. About half of the blocks are closed correctly."""
    pieces: list[str] = []
    still_open: list[str] = []
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.integers(0, 9))
        if kind < 2:
            pieces.append(
                draw(st.sampled_from(["text", "\n", "  \n", "{# c #}", "{% raw %}{{ {% endraw %}", "%}"]))
            )
        elif kind < 4:
            pieces.append("{{ " + draw(_expression) + " }}")
        elif kind < 6 and still_open:
            pieces.append("{% end" + still_open.pop() + " %}")
        elif kind < 9:
            form = draw(_form())
            pieces.append("{% " + form + " %}")
            name = form.split("(")[0].split(" ")[0]
            if name in CLOSED and not (name == "set" and "=" in form):
                still_open.append(name)
        else:
            pieces.append("{% " + draw(_soup) + " %}")
    if draw(st.integers(0, 3)):
        pieces += ["{% end" + name + " %}" for name in reversed(still_open)]
    return "".join(pieces)
