"""Pages of Sanic, by the decorator and by `render`."""

import asyncio
from pathlib import Path

from sanic import Sanic
from sanic_ext import Extend, render

Path("templates").mkdir()
Path("templates/base.html").write_text(
    "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}\n"
)
Path("templates/page.html").write_text(
    "{% extends 'base.html' %}\n{% block title %}{{ title }}{% endblock %}\n{% block body %}\n"
    "{% for row in rows %}{{ loop.index }}{{ row }}{% else %}none{% endfor %}{{ request.path }}\n{% endblock %}\n"
)
application = Sanic("application")
application.config.TEMPLATING_PATH_TO_TEMPLATES = str(Path("templates").absolute())
Extend(application)


class Request:
    """As much of a request as the templates read."""

    path = "/<page>"
    ctx = None


async def main():
    for context in ({"title": "a & b", "rows": ["<a>", 1]}, {}):
        answer = await render("page.html", context={**context, "request": Request()}, app=application)
        print(answer.status, answer.body.decode())
    environment = application.ext.environment
    print(
        await environment.from_string(
            "{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m('&') }}"
        ).render_async()
    )


asyncio.run(main())
