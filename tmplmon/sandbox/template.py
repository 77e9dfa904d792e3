"""Templates of sandboxed environments: a generator spends from the budget with which it was created.

Rule: `generate` and `stream` start to render when their first chunk is requested, which may be after the ``with``
block of a budget. The budget is therefore recorded when they are called.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from tmplmon.runtime.budget import current, within, within_async
from tmplmon.template import Template


class SandboxedTemplate(Template):
    """A template of a sandboxed environment."""

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """Render incrementally: yield each chunk of output once it is complete. Spends from the current budget."""
        chunks, budget = super().generate(*args, **kwargs), current.get()
        return chunks if budget is None else within(budget, chunks)

    def generate_async(self, *args: Any, **kwargs: Any) -> AsyncIterator[str]:
        """`generate` as an asynchronous generator. Raises RuntimeError unless `enable_async` is set."""
        chunks, budget = super().generate_async(*args, **kwargs), current.get()
        return chunks if budget is None else within_async(budget, chunks)
