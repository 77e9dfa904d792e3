"""Reading a template with Jinja2's parser, for an environment of tmplmon."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from jinja2 import exceptions, nodes
from jinja2.lexer import TokenStream, get_lexer
from jinja2.parser import Parser

from tmplmon.errors import TemplateAssertionError, TemplateSyntaxError
from tmplmon.jinjaparser.convert import convert
from tmplmon.jinjaparser.places import Place, tokens_of
from tmplmon.jinjaparser.scanning import tokenize
from tmplmon.jinjaparser.tags import read_tag
from tmplmon.recursion import with_raised_recursion_limit
from tmplmon.syntax import nodes as tree_nodes
from tmplmon.syntax.limits import MAX_NESTING, too_deep
from tmplmon.syntax.report import syntax_error
from tmplmon.syntax.source import Source

if TYPE_CHECKING:
    from tmplmon.environment import Environment


def parse(environment: "Environment", source: Source) -> tree_nodes.Template:
    """Parse a source, which is already preprocessed, and convert the nodes.

    Raises TemplateSyntaxError, and what the extensions raise.
    """
    name, filename = source.name, None if source.filename.startswith("<") else source.filename

    def work() -> tree_nodes.Template:
        parser = new_parser(environment, source.text, name, filename)
        return converted(parser.parse(), source)

    try:
        return with_raised_recursion_limit(work, name, source.filename)
    except exceptions.TemplateSyntaxError as error:
        raise located(error, source) from None


def new_parser(environment: Any, source: str, name: str | None, filename: str | None) -> Parser:
    """Jinja2's parser for a source, with tokens that have a `Place`."""
    parser = Parser(_Front(environment), source, name, filename)  # type: ignore[arg-type]
    parser.environment = environment
    return with_method_tags(parser)


def with_method_tags(parser: Parser) -> Parser:
    """Let a new parser read the tags that are methods of tmplmon's own extensions. Returns it."""
    for extension in parser.environment.iter_extensions():
        for tag in getattr(extension, "method_tags", ()):
            parser.extensions[tag] = partial(read_tag, extension)  # type: ignore[arg-type]
    return parser


class _Front:
    """An environment with the methods that Jinja2's parser calls."""

    def __init__(self, environment: "Environment") -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)

    def iter_extensions(self) -> Iterator[Any]:
        return self._environment.iter_extensions()

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        lexer = get_lexer(self._environment)  # type: ignore[arg-type]
        stream = tokenize(self._environment, lexer, source, name, filename, state)
        return filtered(self._environment, stream, name, filename)


def filtered(environment: Any, stream: TokenStream, name: str | None, filename: str | None) -> TokenStream:
    """The tokens after the `filter_stream` methods of all extensions, in the order of their priority."""
    for extension in environment.iter_extensions():
        tokens: Any = extension.filter_stream(stream)
        stream = tokens if isinstance(tokens, TokenStream) else TokenStream(tokens, name, filename)
    return stream


def converted(tree: nodes.Template, source: Source) -> tree_nodes.Template:
    """The tree for a template that Jinja2's parser has read. Raises TemplateSyntaxError if it is nested too
    deeply."""
    source.newlines_replaced = True
    template = convert(tree, source)
    if 0 < tokens_of(tree).longest <= MAX_NESTING:
        return template
    if (deep := too_deep(template)) is not None:
        node, message = deep
        raise syntax_error(source, message, node.start, node.end, hint="set parts of it as variables")
    return template


def located(error: Exception, source: Source) -> TemplateSyntaxError:
    """An error of Jinja2's parser as one of tmplmon's, with the place of the token. An error that is tmplmon's
    already gets the place."""
    line: Any = error.lineno  # type: ignore[attr-defined]
    if isinstance(line, Place):
        start, end = line.start, line.end
    else:
        number = min(max(line, 1), source.line_count)
        text = source.line_text(number)
        end = source.line_start(number) + len(text)
        start = end - len(text.lstrip())
    is_assertion = isinstance(error, exceptions.TemplateAssertionError)
    cls = TemplateAssertionError if is_assertion else TemplateSyntaxError
    converted = syntax_error(source, str(error.message), start, end, cls=cls)  # type: ignore[attr-defined]
    if not isinstance(error, TemplateSyntaxError):
        return converted
    if error.column is None:
        error.__dict__.update({**converted.__dict__, "name": error.name})
    return error
