"""Django's template language alone: `django.template.Engine` with the cached loader, Django's default.

Its closest equivalent of a macro is the template partial (Django 6.0), which takes no arguments: ``{% with
%}`` sets variables around each call. Translation and localized formats are disabled, because the other
engines lack them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import django
from django.conf import settings
from django.template import Context as DjangoContext
from django.template import Engine as TemplateEngine

from benchmarks.engines import CannotExpress, Engine, Render, RenderWith
from benchmarks.workloads import Context, Workload

_SCRIPT = """\
from django.conf import settings
settings.configure(USE_I18N=False, USE_TZ=False)
from django.template import Context, Engine
engine = Engine(dirs=[{templates!r}])
for name, context in {pages!r}:
    engine.get_template(name).render(Context(context))
"""


class DjangoEngine(Engine):
    name = "django"
    language = "django"
    module = "django"

    @property
    def import_line(self) -> str:
        return "from django.template import Context, Engine"

    def __init__(self) -> None:
        if not settings.configured:
            settings.configure(USE_I18N=False, USE_TZ=False)
        memory = ("django.template.loaders.locmem.Loader", self.sources())
        self._engine = TemplateEngine(loaders=[("django.template.loaders.cached.Loader", [memory])])

    def setup(self, workload: Workload, context: Context) -> Render:
        if workload.name == "macro" and django.VERSION < (6, 0):
            raise CannotExpress("partials need Django 6.0")
        return super().setup(workload, context)

    def prepare(self, name: str, context: Context) -> Render:
        template = self._engine.get_template(name)
        return lambda: template.render(DjangoContext(context))

    def compile(self, source: str) -> RenderWith:
        template = self._engine.from_string(source)
        return lambda context: template.render(DjangoContext(context))

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        if cache is not None:
            raise CannotExpress("no disk cache")
        return _SCRIPT.format(templates=str(templates), pages=list(pages))
