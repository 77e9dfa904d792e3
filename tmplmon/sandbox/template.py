"""Templates of sandboxed environments.

`generate` and `stream` start to render when their first chunk is requested, which may be after the ``with`` block
of a budget. The budget is therefore recorded when they are called.

Each rendering has its own module of a template that it imports: templates can change the objects in a module, so a
module for several renderings would connect their users.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from tmplmon.runtime.budget import current, within, within_async
from tmplmon.runtime.context import NOTHING_LOADED, Context
from tmplmon.template import Template, TemplateModule


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

    def _default_module(self, context: Context | None = None) -> TemplateModule:
        if context is None:
            return super()._default_module()
        modules = _modules(context)
        if self not in modules:
            modules[self] = self.make_module(self._foreign_globals(context))
        return modules[self]

    async def _default_module_async(self, context: Context | None = None) -> TemplateModule:
        if context is None:
            return await super()._default_module_async()
        modules = _modules(context)
        if self not in modules:
            modules[self] = await self.make_module_async(self._foreign_globals(context))
        return modules[self]


def _modules(context: Context) -> dict[Any, TemplateModule]:
    """Return the modules of the rendering that a context belongs to: template → module."""
    if context.loaded is NOTHING_LOADED:
        context.loaded = {}
    return context.loaded
