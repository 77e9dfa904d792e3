"""A template back end for Django's setting TEMPLATES.

    TEMPLATES = [{
        "BACKEND": "tmplmon.integrations.django.tmplmon.Templates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,                        # searches the folder "jinja2" of each app
        "OPTIONS": {"context_processors": [...]},
    }]

Templates can use `static` and `url`, and with a request `request`, `csrf_input` and `csrf_token`. All OPTIONS are
arguments of the environment, except "environment", which names a function that creates it, and "app_dirname", the
name of the folder in the apps. These are the conventions of Django's own back end for Jinja2, so that only one line
of a project has to change.
"""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template import TemplateSyntaxError as DjangoSyntaxError
from django.template.backends.base import BaseEngine
from django.template.backends.jinja2 import Origin
from django.template.backends.utils import csrf_input_lazy, csrf_token_lazy
from django.templatetags.static import static
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString, mark_safe

from tmplmon import Environment, FileSystemLoader, Template, TemplateNotFound, TemplateSyntaxError
from tmplmon.tools.failures import innermost_template_frame

CONTEXT_LINES = 10
"""The number of template lines that Django's debug page shows before and after the line with the error."""


class Templates(BaseEngine):
    """The template back end. `env` is its environment."""

    app_dirname: str = "jinja2"

    def __init__(self, params: dict[str, Any]) -> None:
        params = params.copy()
        options = params.pop("OPTIONS").copy()
        super().__init__(params)
        app_dirname = options.pop("app_dirname", self.app_dirname)
        self.app_dirname = app_dirname  # pyright: ignore[reportIncompatibleMethodOverride]
        self.context_processors = options.pop("context_processors", [])
        make = import_string(options.pop("environment", "tmplmon.Environment"))
        if "loader" not in options:
            directories: Any = self.template_dirs
            options["loader"] = FileSystemLoader(directories)
        options.setdefault("autoescape", True)
        options.setdefault("auto_reload", settings.DEBUG)
        self.env: Environment = make(**options)
        for name, function in (("static", static), ("url", url)):
            self.env.globals.setdefault(name, function)

    @cached_property
    def template_context_processors(self) -> list[Any]:
        """The functions that the option `context_processors` names."""
        return [import_string(path) for path in self.context_processors]

    def from_string(self, template_code: str) -> "DjangoTemplate":
        """Return a template for a source text. Raises tmplmon.TemplateSyntaxError."""
        return DjangoTemplate(self.env.from_string(template_code), self)

    def get_template(self, template_name: str) -> "DjangoTemplate":
        """Return a template by name. Raises Django's TemplateDoesNotExist or TemplateSyntaxError."""
        try:
            return DjangoTemplate(self.env.get_template(template_name), self)
        except TemplateNotFound as error:
            raise TemplateDoesNotExist(error.name, backend=self) from error
        except TemplateSyntaxError as error:
            raise _syntax_error(error) from error


class DjangoTemplate:
    """A template with the interface that Django's views expect."""

    def __init__(self, template: Template, backend: Templates) -> None:
        self.template = template
        self.backend = backend
        self.origin = Origin(name=template.filename, template_name=template.name)

    def render(self, context: dict[str, Any] | None = None, request: Any = None) -> SafeString:
        """Render the template.

        context: its variables. request: adds `request`, `csrf_input`, `csrf_token` and the context processors.

        Raises Django's TemplateDoesNotExist or TemplateSyntaxError for other templates that it loads, and what the
        template itself raises, with the attribute `template_debug` for Django's debug page.
        """
        names = {} if context is None else dict(context)
        if request is not None:
            names["request"] = request
            names["csrf_input"] = csrf_input_lazy(request)
            names["csrf_token"] = csrf_token_lazy(request)
            for processor in self.backend.template_context_processors:
                names.update(processor(request))
        try:
            output: Any = mark_safe(self.template.render(names))
            return output
        except TemplateSyntaxError as error:
            raise _syntax_error(error) from error
        except TemplateNotFound as error:
            raise TemplateDoesNotExist(error.name, backend=self.backend) from error
        except Exception as error:
            _explain(error, error)
            raise


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """Return the URL of a view, like the tag ``url`` of Django's own language. Raises NoReverseMatch."""
    return reverse(name, args=args, kwargs=kwargs)


def _syntax_error(error: TemplateSyntaxError) -> DjangoSyntaxError:
    django_error = DjangoSyntaxError(str(error))
    for note in error.__notes__:
        django_error.add_note(note)
    _explain(django_error, error)
    return django_error


def _explain(shown: Exception, error: Exception) -> None:
    """Set on `shown` what Django's debug page displays: the lines around the innermost template frame of
    `error`."""
    frame = innermost_template_frame(error)
    if frame is None or hasattr(shown, "template_debug"):
        return
    line = frame.line or 1
    top, bottom = max(0, line - 1 - CONTEXT_LINES), min(len(frame.lines), line + CONTEXT_LINES)
    before, during, after = frame.line_parts
    shown.template_debug = {  # type: ignore[attr-defined]
        "name": frame.file,
        "message": str(error),
        "source_lines": frame.lines_around(CONTEXT_LINES),
        "line": line,
        "before": before,
        "during": during,
        "after": after,
        "total": len(frame.lines),
        "top": top,
        "bottom": bottom,
    }
