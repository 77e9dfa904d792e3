"""Pages of Litestar with its template engine."""

from pathlib import Path

from litestar import Litestar, get
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template.config import TemplateConfig
from litestar.testing import TestClient

Path("templates").mkdir()
Path("templates/base.html").write_text(
    "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}\n"
)
Path("templates/page.html").write_text(
    "{% extends 'base.html' %}\n{% block title %}{{ title }}{% endblock %}\n{% block body %}\n"
    "{% for row in rows %}{{ loop.index }}{{ row }}{{ loop.cycle('a', 'b') }}{% endfor %} {{ url_for('page', name='x') }}\n"
    "{{ request.url.path }} {{ shout('hi') }}{% endblock %}\n"
)


def shout(context, text):
    return f"{text.upper()} {context['title']}"


@get("/page/{name:str}", name="page")
async def page(name: str) -> Template:
    return Template("page.html", context={"title": "a & b", "rows": ["<a>", name]})


@get("/string")
async def string() -> Template:
    return Template(template_str="{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m('&') }}", context={})


engine = JinjaTemplateEngine(directory=Path("templates"))
engine.register_template_callable("shout", shout)
application = Litestar([page, string], template_config=TemplateConfig(instance=engine))
with TestClient(application) as client:
    for address in ("/page/y", "/page/%3Cz%3E", "/string"):
        answer = client.get(address)
        print(address, answer.status_code, answer.text)
