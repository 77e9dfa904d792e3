"""Templates of sandboxed environments: a generator spends from the budget it was made with.

Rule: `generate` and `stream` begin to render when their first piece is asked for, which may be after the ``with``
of a budget; so the budget is noted when they are called.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from tmplmon.runtime.budget import current, within, within_async
from tmplmon.template import Template


class SandboxedTemplate(Template):
    """A template of a sandboxed environment."""

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """Render piece by piece, each yielded as soon as it is there; with the budget that is current now."""
        pieces, budget = super().generate(*args, **kwargs), current.get()
        return pieces if budget is None else within(budget, pieces)

    def generate_async(self, *args: Any, **kwargs: Any) -> AsyncIterator[str]:
        """`generate` as an asynchronous generator. Needs `enable_async`."""
        pieces, budget = super().generate_async(*args, **kwargs), current.get()
        return pieces if budget is None else within_async(budget, pieces)
