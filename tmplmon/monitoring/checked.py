"""The checked mode: an activation that finds the mistakes of an engine.

With ``ScopeBuilder(…, checked=True)``, or ``TMPLMON_MONITORING_CHECKED`` in the environment, each method checks its
arguments and raises ValueError or RuntimeError with the number of the site, as the builder has returned it.
Without it, such a mistake gives an event at a wrong place, or none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tmplmon.monitoring.activation import Activation
from tmplmon.monitoring.hidden import hide_all

if TYPE_CHECKING:
    from tmplmon.monitoring.scope import Scope

__all__ = ["CHECKED", "CheckedActivation", "describe"]

CHECKED = "TMPLMON_MONITORING_CHECKED" in os.environ
"""Whether the environment variable is set."""

# Method → (index of the argument that is a site, the kind of site; None: any).
_SITES: dict[str, tuple[int, str | None]] = {
    "line": (0, "line"),
    "at": (0, "line"),
    "branch": (0, "branch"),
    "jump": (0, "jump"),
    "call": (0, "call"),
    "c_return": (0, "call"),
    "c_raise": (0, "call"),
    "invoke": (0, "call"),
    "within": (0, None),
    "reach": (0, None),
    "stop_iteration": (0, "iterate"),
    "raise_": (1, None),
    "reraise": (1, None),
    "exception_handled": (1, None),
    "py_return": (1, "return"),
    "py_unwind": (1, None),
    "py_yield": (1, "yield"),
    "py_resume": (0, "yield"),
    "py_throw": (1, "yield"),
}


def describe(number: int, kind: str, file: str, line: int) -> str:
    """Return how errors name a site."""
    return f"site {number} ({kind}, line {line} of {file})"


class CheckedActivation(Activation):
    """An `Activation` whose methods check the site that they are called with, and what is running."""

    __slots__ = ("_running", "_scope")

    def __init__(
        self,
        scope: Scope,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """Internal: use `Scope.enter`."""
        # Not super(), which needs a function as it was compiled; those of this class are hidden from tools.
        Activation.__init__(self, scope, variables, module_globals)
        self._scope = scope
        self._running: list[int] = []  # the inclusions that have started

    def py_start(
        self,
        inclusion: int = 0,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
    ) -> None:
        """Fire PY_START. Raises ValueError for an unknown inclusion, and RuntimeError for one that cannot start."""
        if not 0 <= inclusion < len(self._scope.inclusions):
            raise ValueError(f"{self._scope!r} has no inclusion {inclusion}")
        del self._running[len(self._files) :]
        if (inclusion == 0) != (not self._running):
            running = f"inclusion {self._running[-1]} is running" if self._running else "nothing is running"
            raise RuntimeError(f"inclusion {inclusion} of {self._scope!r} cannot start: {running}")
        self._running.append(inclusion)
        Activation.py_start(self, inclusion, variables, module_globals)

    def _check(self, method: str, kind: str | None, site: int | None) -> None:
        if not self._files:
            raise RuntimeError(f"{method}: {self._scope!r} is not running; it has not started, or has ended")
        if site is None:
            return
        sites = self._scope.sites
        if not 0 <= site < len(sites):
            raise ValueError(f"{method}: {self._scope!r} has no site {site}")
        place = sites[site]
        shown = describe(site, place.kind, place.code.co_filename, place.line)
        if kind is not None and place.kind != kind:
            raise ValueError(f"{method}: {shown} is not of the kind {kind!r}")
        running, inclusion = self._running[len(self._files) - 1], self._scope.inclusion_of(site)
        if inclusion != running:
            raise ValueError(f"{method}: {shown} is in inclusion {inclusion}, but {running} is running")


def _checking(name: str) -> Callable[..., Any]:
    index, kind = _SITES[name]
    method = getattr(Activation, name)

    def checking(self: CheckedActivation, *arguments: Any, **keywords: Any) -> Any:
        site = arguments[index] if len(arguments) > index else keywords.get("site")
        self._check(name, kind, site)
        return method(self, *arguments, **keywords)

    checking.__name__, checking.__doc__ = name, method.__doc__
    return checking


for _name in _SITES:
    setattr(CheckedActivation, _name, _checking(_name))
hide_all(CheckedActivation, besides=("invoke", "within"))
