"""Pages of Quart, whose environment is asynchronous."""

import asyncio
from pathlib import Path

from quart import Quart, render_template, render_template_string, stream_template_string

Path("templates").mkdir()
Path("templates/base.html").write_text(
    "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}\n"
)
Path("templates/page.html").write_text(
    "{% extends 'base.html' %}\n{% block title %}{{ title }}{% endblock %}\n{% block body %}\n"
    "{% for row in rows() %}{{ loop.index }}{{ row }}{% else %}none{% endfor %}\n{{ url_for('page') }} {{ wait() }}{% endblock %}\n"
)
application = Quart("application", root_path=str(Path.cwd()))


async def rows():
    for row in ("<a>", "b"):
        await asyncio.sleep(0)
        yield row


async def wait():
    await asyncio.sleep(0)
    return "waited"


@application.route("/")
async def page():
    return await render_template("page.html", title="a & b", rows=rows, wait=wait)


@application.route("/string")
async def string():
    return await render_template_string("{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m('&') }}")


@application.route("/stream")
async def stream():
    return await stream_template_string("{% for x in range(3) %}{{ x }},{% endfor %}")


async def main():
    client = application.test_client()
    for address in ("/", "/string", "/stream"):
        answer = await client.get(address)
        print(address, answer.status_code, await answer.get_data(as_text=True))


asyncio.run(main())
