"""Extraction of translatable messages from templates, for the tools that make message catalogues.

Rule: a message is a call of a gettext function with string literals, as in ``{{ _("Hello") }}``, or a ``trans``
block. Messages come in the order that Jinja has, with the texts that the template looks up at run time.

The name of the method in a mapping file of Babel is ``tmplmon.i18n.babel_extract``.
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
    """(1-based line, name of the function, texts) of each message of a template.

    ast: the result of `Environment.parse`.
    gettext_functions: the names of the gettext functions.
    babel_style: whether `texts` has the form that Babel expects: the text of a single argument, or a tuple for
        several arguments, with None for an argument that is not a string literal. If false, `texts` is a tuple of
        the string literals, and a call without any is left out.
    """
    text = ast.source.text
    for node in walk(ast, {nodes.Trans: lambda trans: _expressions(ast, trans)}):
        if not (
            isinstance(node, nodes.Call)
            and isinstance(node.func, nodes.Name)
            and node.func.name in gettext_functions
        ):
            continue
        arguments = _texts(node.arguments)
        texts: Texts = arguments[0] if len(arguments) == 1 else tuple(arguments)
        if not babel_style:
            texts = tuple(argument for argument in arguments if argument is not None)
            if not texts:
                continue
        # A call is reported on the line of its parenthesis. The call of a trans block has none, and an empty span.
        offset = text.find("(", node.func.end) if node.start < node.end else node.start
        yield ast.source.line(offset), node.func.name, texts


def _texts(arguments: nodes.Arguments) -> list[str | None]:
    texts: list[str | None] = [
        arg.value if isinstance(arg, nodes.Const) and isinstance(arg.value, str) else None
        for arg in arguments.args
    ]
    others = len(arguments.kwargs) + (arguments.star is not None) + (arguments.star_star is not None)
    return texts + [None] * others


def _expressions(tree: Tree, node: nodes.Trans) -> list[nodes.Expr]:
    """The expressions that Jinja replaces a trans block with: the call of the gettext function and, in the old
    style, the values for its placeholders. If the value of the first variable is a call, it comes before them."""
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
            del bindings["num"]  # It is passed by position.
    function = nodes.Name(at, at, translation_function(node))
    if newstyle:
        return [*before, nodes.Call(at, at, function, nodes.Arguments(args, list(bindings.items())))]
    return [*before, nodes.Call(at, at, function, nodes.Arguments(args)), *bindings.values()]


class _Comments:
    """The comments for translators in a template: those that begin with one of `tags`. A comment belongs to the
    first message after it."""

    def __init__(self, tokens: Sequence[tuple[int, str, str]], tags: Collection[str]) -> None:
        self._tokens = tokens
        self._tags = tags
        self._next = 0

    def up_to(self, line: int) -> list[str]:
        """The last comment up to `line`, and after the line of the previous call."""
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
    """(1-based line, name of the function, texts, comments) of each message of a file: an extraction method of
    Babel.

    fileobj: the file.
    keywords: the names of the gettext functions.
    comment_tags: comments that begin with one of these words are for translators, and belong to the next message.
    options: the options of `Environment` for delimiters and whitespace, and

        extensions: import names, separated by commas. The extension for translations is always enabled.
        encoding: of the file, by default UTF-8.
        trimmed: whether the texts of trans blocks without ``trimmed`` or ``notrimmed`` are trimmed.
        newstyle_gettext: whether the gettext functions are new-style.
        silent: whether templates with syntax errors are skipped; true by default.

    Raises TemplateSyntaxError if `silent` is false, UnicodeDecodeError if the file is not in its encoding, and
    ImportError if an extension cannot be imported.
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
    arguments: dict[str, Any] = {name: options[name] for name in _DELIMITERS if name in options}
    arguments |= {name: options[name] for name in _PREFIXES if options.get(name)}
    arguments |= {name: _is_on(options, name) for name in _SWITCHES}
    arguments["extensions"] = [*filter(None, extensions), "tmplmon.ext.i18n"]
    environment = Environment(**arguments, cache_size=0)
    if _is_on(options, "trimmed"):
        environment.policies["ext.i18n.trimmed"] = True
    if _is_on(options, "newstyle_gettext"):
        environment.newstyle_gettext = True
    return environment


def _is_on(options: Mapping[str, Any], name: str, default: bool = False) -> bool:
    return str(options.get(name, default)).lower() in ("1", "on", "yes", "true")
