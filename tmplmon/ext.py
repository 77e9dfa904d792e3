"""Extensions: custom tags, and changes to a template's source before it is compiled.

A tag is a function. The template calls it with the tag's arguments and outputs its result:

    class Shout(Extension):
        @tag(body=True)
        def shout(self, times=1, *, caller):            {% shout 3 %}hello{% endshout %}
            return caller().upper() * times

`caller()` returns the text of the tag's body. A tag that is marked with `pass_context` gets the context as its
first argument.

Extensions that are written for Jinja2 work too, subclasses of `Extension` as well as of `jinja2.ext.Extension`.
Those that read their tags themselves (`parse`) or change tokens (`filter_stream`) need an installed Jinja2, whose
parser reads the templates then; see `jinjaparser`.
"""

from collections.abc import Callable, Collection
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

if TYPE_CHECKING:
    from tmplmon.environment import Environment


class Tag(NamedTuple):
    """A tag: the name of its method, and whether it has a body that an end tag closes."""

    method: str
    body: bool


def tag[F: Callable[..., Any]](name: str | None = None, *, body: bool = False) -> Callable[[F], F]:
    """Decorator: a method of an extension is a tag.

    name: the name of the tag; by default that of the method.
    body: whether the tag has a body, which ends at ``{% endname %}``. The method then gets the argument `caller`.
    """

    def mark(method: F) -> F:
        method.tmplmon_tag = name or method.__name__, body  # type: ignore[attr-defined]
        return method

    return mark


class Extension:
    """The base class of extensions. Each environment and each overlay has an instance of its own."""

    identifier: ClassVar[str]
    """The import name of the class."""

    priority = 100
    """The sources of templates pass through extensions with lower numbers first."""

    tags: Collection[str] = frozenset()
    """The names of the tags: those that the method `parse` reads, and those of the methods marked with `tag`."""

    method_tags: ClassVar[dict[str, Tag]] = {}
    """Name → tag, of the methods that are marked with `tag`."""

    syntax_tags: ClassVar[frozenset[str]] = frozenset()
    """Built-in tags that the extension enables."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.identifier = f"{cls.__module__}.{cls.__name__}"
        own = dict(cls.method_tags)
        for attribute, method in list(vars(cls).items()):
            marked = getattr(method, "tmplmon_tag", None)
            if type(marked) is tuple:  # A mock has every attribute.
                own[marked[0]] = Tag(attribute, marked[1])
        cls.method_tags = own
        if own:
            cls.tags = frozenset((*cls.tags, *own))

    def __init__(self, environment: "Environment") -> None:
        self.environment = environment

    def bind(self, environment: "Environment") -> Self:
        """Return a copy of the extension for an overlay."""
        extension = object.__new__(type(self))
        extension.__dict__.update(self.__dict__)
        extension.environment = environment
        return extension

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source to compile. It should keep the number of each line, because all tools show it."""
        return source

    def tag_function(self, name: str) -> Callable[..., Any]:
        """Return the function of a tag. Raises KeyError if the extension has no such tag."""
        function: Callable[..., Any] = getattr(self, self.method_tags[name].method)
        return function

    # --- as in Jinja2 --------------------------------------------------------------------------------------

    def filter_stream(self, stream: Any) -> Any:
        """Return the tokens to parse: a `jinja2.lexer.TokenStream`, or an iterable of `jinja2.lexer.Token`.

        stream: the `TokenStream` of the template.
        """
        return stream

    def parse(self, parser: Any) -> Any:
        """Return Jinja2's nodes for one of the `tags`, a node or a list of nodes. The current token is the name of
        the tag.

        parser: the `jinja2.parser.Parser` of the template.
        """
        from tmplmon.jinjaparser.tags import read_tag

        return read_tag(self, parser)

    def attr(self, name: str, lineno: int | None = None) -> Any:
        """Return a node of Jinja2's for the attribute `name` of the extension. lineno: the line of the node."""
        from jinja2 import nodes

        return nodes.ExtensionAttribute(self.identifier, name, lineno=lineno)

    def call_method(
        self,
        name: str,
        args: list[Any] | None = None,
        kwargs: list[Any] | None = None,
        dyn_args: Any = None,
        dyn_kwargs: Any = None,
        lineno: int | None = None,
    ) -> Any:
        """Return a node of Jinja2's for a call of the method `name` of the extension.

        args, kwargs, dyn_args, dyn_kwargs: nodes of the arguments. lineno: the line of the node.
        """
        from jinja2 import nodes

        function = self.attr(name, lineno)
        return nodes.Call(function, args or [], kwargs or [], dyn_args, dyn_kwargs, lineno=lineno)


Extension.identifier = f"{Extension.__module__}.{Extension.__name__}"


class ExprStmtExtension(Extension):
    """``{% do expression %}``: evaluates an expression without output."""

    tags = syntax_tags = frozenset({"do"})


class LoopControlExtension(Extension):
    """``{% break %}`` and ``{% continue %}``."""

    tags = syntax_tags = frozenset({"break", "continue"})


class DebugExtension(Extension):
    """``{% debug %}``: outputs the context and the names of the filters and tests."""

    tags = syntax_tags = frozenset({"debug"})


class BreakpointExtension(Extension):
    """``{% breakpoint %}``, and ``breakpoint()`` in expressions: enters the debugger.

    Templates are compiled for stepping; see `Environment.stepping`.
    """

    def __init__(self, environment: "Environment") -> None:
        super().__init__(environment)
        environment.stepping = True
        environment.globals.setdefault("breakpoint", self.stop)

    @tag("breakpoint")
    def stop(self) -> str:
        from tmplmon.tools.debugger import breakpoint_

        return breakpoint_()


# The short names of the extensions, under which Jinja2 has its own.
do = ExprStmtExtension
loopcontrols = LoopControlExtension
debug = DebugExtension
breakpoint = BreakpointExtension

# Jinja2's extensions → the tags that this module has for them. Their names are those of this module.
_JINJA2_TAGS = {
    "ExprStmtExtension": frozenset({"do"}),
    "LoopControlExtension": frozenset({"break", "continue"}),
    "DebugExtension": frozenset({"debug"}),
    "InternationalizationExtension": frozenset({"trans"}),
}
_JINJA2_NAMES = frozenset((*_JINJA2_TAGS, "do", "loopcontrols", "debug", "i18n"))

# The modules with the methods `parse` and `filter_stream` of stock extensions, which need no other parser.
_STOCK = (__name__, "jinja2.ext")

# Names of this module that are imported when they are used: name → (module, name there).
_IMPORTED_ON_USE = {
    "i18n": ("tmplmon.i18n", "InternationalizationExtension"),
    "InternationalizationExtension": ("tmplmon.i18n", "InternationalizationExtension"),
    "babel_extract": ("tmplmon.extract", "babel_extract"),
}


def __getattr__(name: str) -> Any:
    try:
        module, attribute = _IMPORTED_ON_USE[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(module), attribute)


def find_extension(extension: str | type[Extension]) -> type[Extension]:
    """Return the class of an extension.

    extension: the class itself, or its import name. One of Jinja2's own extensions (``jinja2.ext.do`` …) means
        the extension of this module that does the same.

    Raises ImportError if the module cannot be imported or has no such extension, and what the module raises.
    """
    if not isinstance(extension, str):
        if extension.__module__ != "jinja2.ext" or "syntax_tags" in vars(extension):
            return extension
        extension = f"jinja2.ext.{extension.__name__}"
    module, _, name = extension.rpartition(".")
    if not module:
        raise ImportError(f"{extension!r} is not the import name of an extension")
    if module == "jinja2.ext" and name in _JINJA2_NAMES:
        module = __name__
    # An AttributeError that the module raises while it is imported is the module's own.
    imported = import_module(module)
    try:
        return getattr(imported, name)  # type: ignore[no-any-return]
    except AttributeError as error:
        raise ImportError(f"module {module!r} has no extension {name!r}") from error


def enabled_tags(extension: Extension) -> frozenset[str]:
    """Return the built-in tags that an extension enables."""
    for cls in type(extension).__mro__:
        if "syntax_tags" in vars(cls):
            return vars(cls)["syntax_tags"]  # type: ignore[no-any-return]
        if cls.__module__ == "jinja2.ext" and cls.__name__ in _JINJA2_TAGS:
            return _JINJA2_TAGS[cls.__name__]
    return frozenset()


def changes_tokens(extension: Extension) -> bool:
    """Return whether an extension has a method `filter_stream` of its own."""
    return type(extension).filter_stream.__module__ not in _STOCK


def parsed_tags(extension: Extension) -> Collection[str]:
    """Return the tags that an extension reads with a method `parse` of its own."""
    if type(extension).parse.__module__ in _STOCK:
        return ()
    return [tag for tag in extension.tags if tag not in getattr(extension, "method_tags", ())]


def check_parser(extension: Extension) -> None:
    """Raise ImportError if an extension needs Jinja2's parser and Jinja2 is not installed."""
    if not parsed_tags(extension) and not changes_tokens(extension):
        return
    try:
        import_module("jinja2.parser")
    except ImportError as error:
        method = "filter_stream" if changes_tokens(extension) else "parse"
        raise ImportError(
            f"the extension {extension.identifier} has a method {method!r}, which Jinja2's parser calls, and Jinja2"
            " is not installed: install it (pip install jinja2), or write the tags as methods with tmplmon.ext.tag"
        ) from error
