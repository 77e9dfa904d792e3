"""Source maps in Django's pages: a middleware, to be the first entry of the setting MIDDLEWARE.

    MIDDLEWARE = ["tmplmon.integrations.django.development.source_maps", ...]
    TEMPLATES = [{..., "OPTIONS": {"source_map": DEBUG, ...}}]

It is not used if no engine has the option `source_map`. The setting TMPLMON_EDITOR adds links into an editor,
TMPLMON_REMOTE = True answers clients on other machines too.
Errors are shown by Django's own debug page, which gets the template's line from the back end.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.template import engines

from tmplmon.integrations.development.answers import FORWARDED_HEADERS, Development, is_page, mapped
from tmplmon.integrations.django.tmplmon import Templates
from tmplmon.tools.sourcemap import rendered_pages


def source_maps(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The middleware. Raises MiddlewareNotUsed if no engine has the option `source_map`."""
    environments = [
        engine.env for engine in engines.all() if isinstance(engine, Templates) and engine.env.source_map
    ]
    if not environments:
        raise MiddlewareNotUsed("no template engine has the option source_map")
    development = Development(
        get_response,
        environments[0],
        editor=getattr(settings, "TMPLMON_EDITOR", None),
        remote=getattr(settings, "TMPLMON_REMOTE", False),
    )

    def streamed(chunks: Iterator[bytes]) -> Iterator[bytes]:
        # A streamed template begins to render when its first chunk is requested.
        with rendered_pages() as pages:
            first = next(chunks, b"")
        stream = development.stream(first, pages.streams)
        body = chain((first,), chunks)
        return body if stream is None else mapped(body, stream)

    def answer(request: Any) -> Any:
        is_forwarded = any(name in request.headers for name in FORWARDED_HEADERS)
        if not development.may_see(request.META.get("REMOTE_ADDR"), is_forwarded):
            return get_response(request)
        with rendered_pages() as pages:
            response = get_response(request)
        if not is_page(response.items()):
            return response
        if response.streaming and not response.is_async:
            response.streaming_content = streamed(iter(response.streaming_content))
        elif pages and not response.streaming:
            changed = development.annotated(response.content, pages)
            if changed is not None:
                response.content = changed
                del response["ETag"]
                response["Content-Length"] = str(len(changed))
        return response

    return answer
