"""The translatable messages of templates, for the tools that make message catalogues.

Rule: a message is a call of a gettext function with texts, as in ``{{ _("Hello") }}``, and every ``trans`` block
stands for one. Messages are given in the order in which Jinja gives them, with the texts that are looked up when
the template runs.

In a mapping file of Babel the method is ``tmplmon.i18n.babel_extract``.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import IO, Any

from tmplmon.environment import Environment
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir.resolve import translation_function
from tmplmon.meta import Tree
from tmplmon.syntax import nodes
from tmplmon.syntax.messages import messages
from tmplmon.syntax.walk import walk

GETTEXT_FUNCTIONS = ("_", "gettext", "ngettext", "pgettext", "npgettext")

type Texts = str | tuple[str | None, ...] | None
type Message = tuple[int, str, Texts]


def extract_from_ast(
    ast: Tree, gettext_functions: Collection[str] = GETTEXT_FUNCTIONS, babel_style: bool = True
) -> Iterator[Message]:
    """(line, function, texts) of each message of a tree.

    ast: what `Environment.parse` gives.
    gettext_functions: the names of the functions that count.
    babel_style: `texts` is what Babel expects: the text of the only argument, or a tuple for several, in which None
        stands for an argument that is not a text. Otherwise it is a tuple of the texts alone, and a call
        without any is left out.
    """
    text = ast.source.text
    for node in walk(ast, {nodes.Trans: lambda trans: _expressions(ast, trans)}):
        if not (
            isinstance(node, nodes.Call)
            and isinstance(node.func, nodes.Name)
            and node.func.name in gettext_functions
        ):
            continue
        found = _texts(node.arguments)
        texts: Texts = found[0] if len(found) == 1 else tuple(found)
        if not babel_style:
            texts = tuple(argument for argument in found if argument is not None)
            if not texts:
                continue
        # A call is on the line of its parenthesis; that of a trans block has none, and no extent either.
        offset = text.find("(", node.func.end) if node.start < node.end else node.start
        yield ast.source.line(offset), node.func.name, texts


def _texts(arguments: nodes.Arguments) -> list[str | None]:
    found: list[str | None] = [
        arg.value if isinstance(arg, nodes.Const) and isinstance(arg.value, str) else None
        for arg in arguments.args
    ]
    others = len(arguments.kwargs) + (arguments.star is not None) + (arguments.star_star is not None)
    return found + [None] * others


def _expressions(tree: Tree, node: nodes.Trans) -> list[nodes.Expr]:
    """What Jinja makes of a trans block: the call, and the values it is formatted with in the old style. A first
    value that is a call is computed before, and kept under a name."""
    newstyle = tree.environment.newstyle_gettext
    at = tree.source.text.find("trans", node.start)
    bindings: dict[str, nodes.Expr] = dict(node.bindings)
    before: list[nodes.Expr] = []
    if node.bindings and isinstance(node.bindings[0][1], nodes.Call):
        name, value = node.bindings[0]
        before = [value]
        bindings[name] = nodes.Name(at, at, name)
    for name in node.names:
        bindings.setdefault(name, nodes.Name(at, at, name))

    singular, plural = messages(node, bool(tree.environment.policies["ext.i18n.trimmed"]), newstyle)
    args: list[nodes.Expr] = [
        nodes.Const(at, at, text) for text in (node.context, singular, plural) if text is not None
    ]
    if plural is not None and node.count is not None:
        args.append(bindings[node.count])
        if newstyle and node.count == "num":
            del bindings["num"]  # the function has it already
    function = nodes.Name(at, at, translation_function(node))
    if newstyle:
        return [*before, nodes.Call(at, at, function, nodes.Arguments(args, list(bindings.items())))]
    return [*before, nodes.Call(at, at, function, nodes.Arguments(args)), *bindings.values()]


class _Comments:
    """The comments of a template that begin with one of the translators' tags, asked for line by line: a comment is
    given for the first message after it."""

    def __init__(self, tokens: Sequence[tuple[int, str, str]], tags: Collection[str]) -> None:
        self._tokens = tokens
        self._tags = tags
        self._next = 0

    def up_to(self, line: int) -> list[str]:
        """The last comment on `line` or before, and after the line that was asked for before this one."""
        if not self._tags:
            return []
        start = end = self._next
        while end < len(self._tokens) and self._tokens[end][0] <= line:
            end += 1
        self._next = end
        for _, kind, text in reversed(self._tokens[start:end]):
            if kind in ("comment", "linecomment"):
                words = text.split(None, 1)
                if len(words) == 2 and words[0] in self._tags:
                    return [words[1].rstrip()]
        return []


def babel_extract(
    fileobj: IO[bytes],
    keywords: Collection[str],
    comment_tags: Collection[str],
    options: Mapping[str, Any],
) -> Iterator[tuple[int, str, Texts, list[str]]]:
    """(line, function, texts, comments) of each message of a file, as Babel wants them.

    keywords: the names of the gettext functions.
    comment_tags: comments that begin with one of these words are for the translators, and come with the message
        that follows.
    options: those of `Environment` that are about delimiters and whitespace, and

        extensions: import names, separated by commas; that for translations need not be among them.
        encoding: of the file, by default UTF-8.
        trimmed: whether texts of trans blocks that do not say are trimmed.
        newstyle_gettext: whether the gettext functions are new-style.
        silent: whether templates with syntax errors are skipped, which they are by default.

    Raises TemplateSyntaxError if `silent` is off, UnicodeDecodeError, and ImportError for an extension.
    """
    environment = _environment(options)
    source = fileobj.read().decode(options.get("encoding", "utf-8"))
    try:
        tree = environment.parse(source)
        tokens = list(environment.lex(environment.preprocess(source)))
    except TemplateSyntaxError:
        if _is_on(options, "silent", True):
            return
        raise
    comments = _Comments(tokens, comment_tags)
    for line, function, texts in extract_from_ast(tree, keywords):
        yield line, function, texts, comments.up_to(line)


_DELIMITERS = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
)
_PREFIXES = ("line_statement_prefix", "line_comment_prefix")
_SWITCHES = ("trim_blocks", "lstrip_blocks", "keep_trailing_newline")


def _environment(options: Mapping[str, Any]) -> Environment:
    extensions = [name.strip() for name in options.get("extensions", "").split(",")]
    given: dict[str, Any] = {name: options[name] for name in _DELIMITERS if name in options}
    given |= {name: options[name] for name in _PREFIXES if options.get(name)}
    given |= {name: _is_on(options, name) for name in _SWITCHES}
    given["extensions"] = [*filter(None, extensions), "tmplmon.ext.i18n"]
    environment = Environment(**given, cache_size=0)
    if _is_on(options, "trimmed"):
        environment.policies["ext.i18n.trimmed"] = True
    if _is_on(options, "newstyle_gettext"):
        environment.newstyle_gettext = True
    return environment


def _is_on(options: Mapping[str, Any], name: str, default: bool = False) -> bool:
    return str(options.get(name, default)).lower() in ("1", "on", "yes", "true")
