"""Django's own templates, seen by Python's tools.

    INSTALLED_APPS = ["tmplmon.integrations.django.native", ...]

or, for coverage.py only, ``django = true`` in the section ``[tmplmon]`` of its configuration, or `install`.

Django stays the engine: it parses and renders its templates, and the output is the same. While a tool is
active, they also fire the events of `tmplmon.monitoring`. So coverage.py (on each of its cores), debuggers
and profilers see templates, blocks and partials as functions of the template's file.

    hooks       what is replaced in Django; nodes that signal
    parts       the scopes of a template, and the sites of its nodes
    variables   the context, as a debugger shows it
    tracebacks  the lines of templates in tracebacks
    coverage    the plugin for coverage.py
    structure   the lines and branches of a template, as a report needs them

Django is not imported before the application imports it.
"""

from tmplmon.waiting import Hooks

__all__ = ["install", "is_installed", "uninstall"]


def install() -> None:
    """Observe all templates that Django compiles from now on.

    It can be called before or after Django is imported, and several times. Templates that were compiled
    before are not observed.
    """
    _hooks.install()


def uninstall() -> None:
    """Undo `install`. Templates that were compiled meanwhile no longer fire events."""
    _hooks.uninstall()


def is_installed() -> bool:
    """Whether templates are observed."""
    return _hooks.is_installed()


_hooks = Hooks("django.template.engine", f"{__name__}.hooks")
