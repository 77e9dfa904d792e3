"""Pages of aiohttp: templates by decorator, context processors and urls."""

import asyncio
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

Path("templates").mkdir()
Path("templates/base.html").write_text(
    "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}\n"
)
Path("templates/page.html").write_text(
    "{% extends 'base.html' %}\n{% block title %}{{ title }}{% endblock %}\n{% block body %}\n"
    "{% for row in rows %}{{ loop.index }}{{ row }}{% else %}none{% endfor %}\n"
    "{{ url('page', name='a b') }} {{ request.path }} {{ url('page', name='x', query_={'q': '1'}) }}\n{% endblock %}\n"
)


@aiohttp_jinja2.template("page.html")
async def page(request):
    return {"title": "a & b", "rows": ["<a>", request.match_info["name"]]}


async def rendered(request):
    return web.Response(
        text=aiohttp_jinja2.render_string("page.html", request, {"title": 1}), content_type="text/html"
    )


async def main():
    for is_async in (False, True):
        application = web.Application()
        aiohttp_jinja2.setup(
            application,
            loader=jinja2.FileSystemLoader("templates"),
            context_processors=[aiohttp_jinja2.request_processor],
            enable_async=is_async,
        )
        application.router.add_get("/page/{name}", page, name="page")
        if not is_async:
            application.router.add_get("/rendered", rendered)
        async with TestClient(TestServer(application)) as client:
            for address in ("/page/x", "/page/%3Cy%3E", "/rendered"):
                answer = await client.get(address)
                print(address, answer.status, await answer.text())


asyncio.run(main())
