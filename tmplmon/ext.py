"""Extensions: custom tags, and changes to a template's source before it is compiled.

A tag is a function. The template calls it with the tag's arguments and outputs its result:

    class Shout(Extension):
        @tag(body=True)
        def shout(self, times=1, *, caller):            {% shout 3 %}hello{% endshout %}
            return caller().upper() * times

`caller()` returns the text of the tag's body. A tag that is marked with `pass_context` gets the context as its
first argument.
"""

from collections.abc import Callable
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

    tags: ClassVar[dict[str, Tag]] = {}
    """Name → tag. Filled from the methods that are marked with `tag`."""

    syntax_tags: ClassVar[frozenset[str]] = frozenset()
    """Built-in tags that the extension enables."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.identifier = f"{cls.__module__}.{cls.__name__}"
        own = dict(cls.tags)
        for attribute, method in list(vars(cls).items()):
            marked = getattr(method, "tmplmon_tag", None)
            if marked is not None:
                own[marked[0]] = Tag(attribute, marked[1])
        cls.tags = own

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
        function: Callable[..., Any] = getattr(self, self.tags[name].method)
        return function


Extension.identifier = f"{Extension.__module__}.{Extension.__name__}"


class ExprStmtExtension(Extension):
    """``{% do expression %}``: evaluates an expression without output."""

    syntax_tags = frozenset({"do"})


class LoopControlExtension(Extension):
    """``{% break %}`` and ``{% continue %}``."""

    syntax_tags = frozenset({"break", "continue"})


class DebugExtension(Extension):
    """``{% debug %}``: outputs the context and the names of the filters and tests."""

    syntax_tags = frozenset({"debug"})


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

_JINJA2_EXTENSIONS = ("do", "loopcontrols", "debug", "i18n")

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

    extension: the class itself, or its import name. The name of one of Jinja2's own extensions
        (``jinja2.ext.do`` …) means the extension of this module that does the same.

    Raises ImportError if the module cannot be imported or has no such extension, and what the module raises.
    """
    if not isinstance(extension, str):
        return extension
    module, _, name = extension.rpartition(".")
    if not module:
        raise ImportError(f"{extension!r} is not the import name of an extension")
    if module == "jinja2.ext" and name in _JINJA2_EXTENSIONS:
        module = __name__
    # An AttributeError that the module raises while it is imported is the module's own.
    imported = import_module(module)
    try:
        return getattr(imported, name)  # type: ignore[no-any-return]
    except AttributeError as error:
        raise ImportError(f"module {module!r} has no extension {name!r}") from error
