"""Translations: the extension for ``{% trans %}``, ``_``, ``gettext`` and the other gettext functions.

Rule: a template looks its gettext functions up like any other name, so a translation consists of functions among
the environment's globals. Old-style functions only translate, and the caller formats the translation. New-style
functions take the variables as keywords, and format the translation themselves, as Markup if output is escaped:

    {{ gettext("Hello %(name)s!", name=user) }}          {% trans name=user %}Hello {{ name }}!{% endtrans %}

`tmplmon.extract` extracts the messages of templates.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tmplmon.ext import Extension
from tmplmon.extract import GETTEXT_FUNCTIONS, Message, babel_extract, extract_from_ast
from tmplmon.meta import Tree
from tmplmon.runtime.context import Context
from tmplmon.runtime.markers import pass_context
from tmplmon.runtime.messages import FORMATTING_ERRORS, not_formatted

if TYPE_CHECKING:
    from tmplmon.environment import Environment

__all__ = ["GETTEXT_FUNCTIONS", "InternationalizationExtension", "babel_extract", "extract_from_ast"]

_NAMES = ("gettext", "ngettext", "pgettext", "npgettext")


class InternationalizationExtension(Extension):
    """Enables ``{% trans %}``, and adds these methods to the environment:

    install_gettext_translations(translations, newstyle=None): use the methods of an object with the interface of
        `gettext.GNUTranslations`.
    install_null_translations(newstyle=None): use each message as its own translation.
    install_gettext_callables(gettext, ngettext, newstyle=None, pgettext=None, npgettext=None): use these functions.
    uninstall_gettext_translations(translations): remove the functions. The argument is not used.
    extract_translations(source, gettext_functions=GETTEXT_FUNCTIONS): the messages of a source, or of the result of
        `Environment.parse`, as of `tmplmon.extract.extract_from_ast`.

    newstyle: whether the functions are used as new-style ones. It sets the environment's `newstyle_gettext`,
        which None leaves unchanged.
    """

    tags = syntax_tags = frozenset({"trans"})

    def __init__(self, environment: "Environment") -> None:
        super().__init__(environment)
        environment.globals["_"] = _alias
        environment.extend(
            install_gettext_translations=self._install,
            install_null_translations=self._install_null,
            install_gettext_callables=self._install_callables,
            uninstall_gettext_translations=self._uninstall,
            extract_translations=self._extract,
        )

    def _install(self, translations: Any, newstyle: bool | None = None) -> None:
        # Objects with Python 2's interface have the functions for text under names with a "u".
        self._install_callables(
            getattr(translations, "ugettext", None) or translations.gettext,
            getattr(translations, "ungettext", None) or translations.ngettext,
            newstyle,
            getattr(translations, "pgettext", None),
            getattr(translations, "npgettext", None),
        )

    def _install_null(self, newstyle: bool | None = None) -> None:
        from gettext import NullTranslations

        self._install(NullTranslations(), newstyle)

    def _install_callables(
        self,
        gettext: Callable[[str], str],
        ngettext: Callable[[str, str, int], str],
        newstyle: bool | None = None,
        pgettext: Callable[[str, str], str] | None = None,
        npgettext: Callable[[str, str, str, int], str] | None = None,
    ) -> None:
        if newstyle is not None:
            self.environment.newstyle_gettext = newstyle
        functions: list[Callable[..., str] | None] = [gettext, ngettext, pgettext, npgettext]
        if self.environment.newstyle_gettext:
            functions = [
                function and make(function) for make, function in zip(_NEW_STYLE, functions, strict=True)
            ]
        self.environment.globals.update(zip(_NAMES, functions, strict=True))

    def _uninstall(self, translations: Any) -> None:
        for name in _NAMES:
            self.environment.globals.pop(name, None)

    def _extract(
        self, source: str | Tree, gettext_functions: Sequence[str] = GETTEXT_FUNCTIONS
    ) -> Iterator[Message]:
        tree = self.environment.parse(source) if isinstance(source, str) else source
        return extract_from_ast(tree, gettext_functions)


@pass_context
def _alias(context: Context, /, *args: Any, **kwargs: Any) -> Any:
    """``_``: calls the function that ``gettext`` is in the context of the call."""
    return context.call(context.resolve("gettext"), *args, **kwargs)


def _call(context: Context, function: Callable[..., str], *args: Any) -> str:
    """Call a function of the application with the arguments of a new-style one. In a sandbox, messages are strings:
    the function may call their methods."""
    if context.environment.sandboxed:
        for value in args[: 2 if len(args) < 4 else 3]:
            if not isinstance(value, str):
                raise TypeError(f"a message is a str, not {type(value).__name__!r}")
    return context.call(function, *args)  # type: ignore[no-any-return]


def _formatted(context: Context, text: str, variables: dict[str, Any]) -> str:
    # Also without variables: percent signs are doubled in all new-style messages, so that translators can rely on
    # it.
    text = Markup(text) if context.eval_ctx.autoescape else text
    try:
        return context.environment._formatted(text, variables)  # type: ignore[no-any-return]
    except FORMATTING_ERRORS as error:
        error.add_note(not_formatted(error, str(text), variables))
        raise


def _new_gettext(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def gettext(context: Context, message: str, /, **variables: Any) -> str:
        return _formatted(context, _call(context, function, message), variables)

    return gettext


def _new_ngettext(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def ngettext(context: Context, singular: str, plural: str, num: int, /, **variables: Any) -> str:
        text = _call(context, function, singular, plural, num)
        return _formatted(context, text, {"num": num, **variables})

    return ngettext


def _new_pgettext(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def pgettext(context: Context, message_context: str, message: str, /, **variables: Any) -> str:
        text = _call(context, function, message_context, message)
        return _formatted(context, text, {"context": message_context, **variables})

    return pgettext


def _new_npgettext(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def npgettext(
        context: Context, message_context: str, singular: str, plural: str, num: int, /, **variables: Any
    ) -> str:
        text = _call(context, function, message_context, singular, plural, num)
        return _formatted(context, text, {"context": message_context, "num": num, **variables})

    return npgettext


# In the order of _NAMES.
_NEW_STYLE = (_new_gettext, _new_ngettext, _new_pgettext, _new_npgettext)
