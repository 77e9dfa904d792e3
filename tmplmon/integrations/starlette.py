"""Starlette and FastAPI: `TmplmonTemplates` in place of `Jinja2Templates`.

    templates = TmplmonTemplates(directory="templates")

    async def homepage(request):
        return templates.TemplateResponse(request, "index.html", {"title": "Home"})

In an environment with `enable_async` the page is rendered when the response is sent, in the event loop, and awaits
what the template calls. `StreamingResponse` sends a page while it is made.
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


class _OfTemplate(Response):
    """A response with the `template` and the `context` it is made of, which Starlette's test client gets, too."""

    template: Template
    context: dict[str, Any]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "http.response.debug" in self.context["request"].get("extensions", {}):
            info = {"template": self.template, "context": self.context}
            await send({"type": "http.response.debug", "info": info})
        await super().__call__(scope, receive, send)


class TemplateResponse(_OfTemplate, HTMLResponse):
    """A page."""

    def __init__(self, template: Template, context: dict[str, Any], *response: Any) -> None:
        self.template, self.context = template, context
        super().__init__("" if template.environment.is_async else template.render(context), *response)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.template.environment.is_async:
            self.body = self.render(await self.template.render_async(self.context))
            self.headers["content-length"] = str(len(self.body))
        await super().__call__(scope, receive, send)


class StreamingTemplateResponse(_OfTemplate, StreamingResponse):
    """A page that is sent while it is made."""

    media_type = "text/html"

    def __init__(self, template: Template, context: dict[str, Any], size: int, **response: Any) -> None:
        self.template, self.context = template, context
        # Starlette runs an ordinary iterator in its thread pool, so the event loop goes on.
        asynchronous = template.environment.is_async
        body = pages(template, context, size) if asynchronous else chunks(template.generate(context), size)
        super().__init__(body, **response)


class TmplmonTemplates:
    """Templates of an application: of a directory or several, or of an environment of your own.

    context_processors: functions of a request that give names for every page.
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
        """The template of a name."""
        return self.env.get_template(name)

    def _page(self, request: Request, context: Mapping[str, Any] | None) -> dict[str, Any]:
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
        """A response with the page of a template. The arguments are those of Starlette's own."""
        names = self._page(request, context)
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
        """A response that sends the page while it is made.

        size: characters that are sent at once. response: what Starlette's own takes besides the content:
        `status_code`, `headers`, `media_type`, `background`.
        """
        template = self.get_template(name)
        return StreamingTemplateResponse(template, self._page(request, context), size, **response)


@pass_context
def _url_for(context: Any, name: str, /, **path_params: Any) -> Any:
    return context["request"].url_for(name, **path_params)
