"""A template back end for Django's setting TEMPLATES.

    TEMPLATES = [{
        "BACKEND": "tmplmon.integrations.django.tmplmon.Templates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,                        # looks into each app's folder "jinja2"
        "OPTIONS": {"context_processors": [...]},
    }]

Templates know `static`, `url`, and for a request `request`, `csrf_input` and `csrf_token`. Further OPTIONS are the
environment's; "environment" names a function that makes it (it is called with them), "app_dirname" another folder
in the apps. These are the conventions of Django's own back end for Jinja2, so that a project changes one line.
"""

from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.template.backends.base import BaseEngine
from django.template.backends.jinja2 import Origin
from django.template.backends.utils import csrf_input_lazy, csrf_token_lazy
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString, mark_safe

from tmplmon import Environment, FileSystemLoader, Template, TemplateNotFound, TemplateSyntaxError
from tmplmon.tools.failures import template_place

AROUND = 10
"""Lines of a template that Django's debug page shows before and after the one at fault."""


class Templates(BaseEngine):
    """The engine. `env` is its environment."""

    app_dirname = "jinja2"

    def __init__(self, params: dict[str, Any]) -> None:
        params = params.copy()
        options = params.pop("OPTIONS").copy()
        super().__init__(params)
        self.app_dirname = options.pop("app_dirname", self.app_dirname)
        self.context_processors = options.pop("context_processors", [])
        make = import_string(options.pop("environment", "tmplmon.Environment"))
        if "loader" not in options:
            options["loader"] = FileSystemLoader(self.template_dirs)
        options.setdefault("autoescape", True)
        options.setdefault("auto_reload", settings.DEBUG)
        self.env: Environment = make(**options)
        for name, function in (("static", static), ("url", url)):
            self.env.globals.setdefault(name, function)

    @cached_property
    def template_context_processors(self) -> list[Any]:
        return [import_string(path) for path in self.context_processors]

    def from_string(self, template_code: str) -> "DjangoTemplate":
        return DjangoTemplate(self.env.from_string(template_code), self)

    def get_template(self, template_name: str) -> "DjangoTemplate":
        try:
            return DjangoTemplate(self.env.get_template(template_name), self)
        except TemplateNotFound as error:
            raise TemplateDoesNotExist(error.name, backend=self) from error
        except TemplateSyntaxError as error:
            raise _syntax_error(error) from error


class DjangoTemplate:
    """A template as Django's views know it."""

    def __init__(self, template: Template, backend: Templates) -> None:
        self.template = template
        self.backend = backend
        self.origin = Origin(name=template.filename, template_name=template.name)

    def render(self, context: dict[str, Any] | None = None, request: Any = None) -> SafeString:
        names = {} if context is None else dict(context)
        if request is not None:
            names["request"] = request
            names["csrf_input"] = csrf_input_lazy(request)
            names["csrf_token"] = csrf_token_lazy(request)
            for processor in self.backend.template_context_processors:
                names.update(processor(request))
        try:
            return mark_safe(self.template.render(names))
        except TemplateSyntaxError as error:
            raise _syntax_error(error) from error
        except TemplateNotFound as error:
            raise TemplateDoesNotExist(error.name, backend=self.backend) from error
        except Exception as error:
            _explain(error, error)
            raise


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """The URL of a view, as the tag ``url`` of Django's own language gives it."""
    return reverse(name, args=args, kwargs=kwargs)


def _syntax_error(error: TemplateSyntaxError) -> DjangoSyntaxError:
    made = DjangoSyntaxError(str(error))
    _explain(made, error)
    return made


def _explain(shown: Exception, error: Exception) -> None:
    """Give an exception what Django's debug page shows of a template: its lines around the innermost place."""
    place = template_place(error)
    if place is None or hasattr(shown, "template_debug"):
        return
    top, bottom = max(0, place.line - 1 - AROUND), min(len(place.lines), place.line + AROUND)
    before, during, after = place.parts
    shown.template_debug = {  # type: ignore[attr-defined]
        "name": place.file,
        "message": str(error),
        "source_lines": list(enumerate(place.lines, 1))[top:bottom],
        "line": place.line,
        "before": before,
        "during": during,
        "after": after,
        "total": len(place.lines),
        "top": top,
        "bottom": bottom,
    }
