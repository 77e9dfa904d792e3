"""Autoescaping by the names of templates."""

from collections.abc import Callable, Collection


def select_autoescape(
    enabled_extensions: Collection[str] = ("html", "htm", "xml"),
    disabled_extensions: Collection[str] = (),
    default_for_string: bool = True,
    default: bool = False,
) -> Callable[[str | None], bool]:
    """Return a function for `Environment(autoescape=…)` that decides by a template's file extension.

    enabled_extensions, disabled_extensions: the extensions of templates that are escaped, and of those that are
        not; upper and lower case are the same.
    default_for_string: whether templates from strings, which have no name, are escaped.
    default: whether all other templates are escaped.
    """
    enabled = tuple(f".{extension.lstrip('.').lower()}" for extension in enabled_extensions)
    disabled = tuple(f".{extension.lstrip('.').lower()}" for extension in disabled_extensions)

    def autoescape(template_name: str | None) -> bool:
        if template_name is None:
            return default_for_string
        name = template_name.lower()
        if name.endswith(enabled):
            return True
        return False if name.endswith(disabled) else default

    return autoescape
