"""Starlette and FastAPI: `TmplmonTemplates` instead of `Jinja2Templates`.

    templates = TmplmonTemplates(directory="templates")

    async def homepage(request):
        return templates.TemplateResponse(request, "index.html", {"title": "Home"})

With `enable_async` the page is rendered in the event loop when the response is sent, and the template may await.
`StreamingResponse` sends a page while it is rendered.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tmplmon import Environment, FileSystemLoader, Template, pass_context, select_autoescape
from tmplmon.integrations.asgi import pages
from tmplmon.integrations.chunks import SIZE, chunks

type Directory = str | PathLike[str]
type ContextProcessor = Callable[[Request], Mapping[str, Any]]


class _WithTemplate(Response):
    """A response that knows its `template` and `context`, and passes them to Starlette's test client."""

    template: Template
    context: dict[str, Any]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "http.response.debug" in self.context["request"].get("extensions", {}):
            info = {"template": self.template, "context": self.context}
            await send({"type": "http.response.debug", "info": info})
        await super().__call__(scope, receive, send)


class TemplateResponse(_WithTemplate, HTMLResponse):
    """A rendered page."""

    def __init__(self, template: Template, context: dict[str, Any], *response: Any) -> None:
        self.template, self.context = template, context
        super().__init__("" if template.environment.is_async else template.render(context), *response)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.template.environment.is_async:
            self.body = self.render(await self.template.render_async(self.context))
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


class StreamingTemplateResponse(_WithTemplate, StreamingResponse):
    """A page that is sent while it is rendered."""

    media_type = "text/html"

    def __init__(self, template: Template, context: dict[str, Any], size: int, **response: Any) -> None:
        self.template, self.context = template, context
        # Starlette runs a synchronous iterator in its thread pool, so that the event loop is not blocked.
        asynchronous = template.environment.is_async
        body = pages(template, context, size) if asynchronous else chunks(template.generate(context), size)
        super().__init__(body, **response)


class TmplmonTemplates:
    """The templates of an application.

    directory: one directory or several. env: an environment, instead of directories. context_processors: functions
    that take a request and return variables for every page.

    Raises TypeError unless exactly one of `directory` and `env` is passed.
    """

    def __init__(
        self,
        directory: Directory | Sequence[Directory] | None = None,
        *,
        context_processors: Sequence[ContextProcessor] = (),
        env: Environment | None = None,
    ) -> None:
        if (directory is None) == (env is None):
            raise TypeError("TmplmonTemplates needs either a directory or env")
        if env is None:
            assert directory is not None
            env = Environment(loader=FileSystemLoader(directory), autoescape=select_autoescape())
        self.env = env
        self.context_processors = list(context_processors)
        env.globals.setdefault("url_for", _url_for)

    def get_template(self, name: str) -> Template:
        """Return a template. Raises TemplateNotFound or TemplateSyntaxError."""
        return self.env.get_template(name)

    def _context(self, request: Request, context: Mapping[str, Any] | None) -> dict[str, Any]:
        """The names for a page. Raises TypeError for the order of arguments that Starlette has removed."""
        if isinstance(request, str):
            raise TypeError(
                "the request comes first: TemplateResponse(request, name, context);"
                ' (name, {"request": request}) is an older order of Starlette'
            )
        names = {"request": request, **(context or {})}
        for processor in self.context_processors:
            names.update(processor(request))
        return names

    def TemplateResponse(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> TemplateResponse:
        """Return a response with a rendered page. The arguments are those of `Jinja2Templates.TemplateResponse`.

        Raises what loading and rendering raise; with `enable_async`, rendering takes place when the response
        is sent.
        """
        names = self._context(request, context)
        return TemplateResponse(self.get_template(name), names, status_code, headers, media_type, background)

    def StreamingResponse(
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        *,
        size: int = SIZE,
        **response: Any,
    ) -> StreamingTemplateResponse:
        """Return a response that sends the page while it is rendered.

        size: the minimum length of a chunk in characters. response: further arguments of Starlette's
        StreamingResponse: `status_code`, `headers`, `media_type`, `background`.

        Raises TemplateNotFound or TemplateSyntaxError. Rendering takes place when the response is sent.
        """
        names = self._context(request, context)
        return StreamingTemplateResponse(self.get_template(name), names, size, **response)


@pass_context
def _url_for(context: Any, name: str, /, **path_params: Any) -> Any:
    return context["request"].url_for(name, **path_params)
