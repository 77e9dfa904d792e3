"""An application of Pyramid with Jinja2's templates, its filters, and translations."""

from pathlib import Path

from pyramid.config import Configurator
from pyramid.request import Request

Path("templates").mkdir()
Path("templates/base.jinja2").write_text(
    "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}\n"
)
Path("templates/page.jinja2").write_text(
    "{% extends 'base.jinja2' %}\n{% block title %}{{ title }}{% endblock %}\n{% block body %}\n"
    "{{ 'page'|route_url }} {{ 'page'|route_path }} {{ request.path }}\n{% import 'parts.jinja2' as parts %}"
    "{{ parts.row(rows) }}{% trans %}Hello{% endtrans %} {{ _('Bye') }}{% endblock %}\n"
)
Path("templates/parts.jinja2").write_text(
    "{% macro row(rows) %}{% for row in rows %}<li>{{ loop.index }}{{ row }}{% endfor %}{% endmacro %}"
)


def page(request):
    return {"title": "a & b", "rows": ["<x>", 2]}


settings = {
    "jinja2.directories": str(Path("templates").absolute()),
    "jinja2.trim_blocks": "true",
    "jinja2.filters": "route_url = pyramid_jinja2.filters:route_url_filter\n"
    "route_path = pyramid_jinja2.filters:route_path_filter",
}
with Configurator(settings=settings) as config:
    config.include("pyramid_jinja2")
    config.add_route("page", "/page")
    config.add_view(page, route_name="page", renderer="page.jinja2")
    application = config.make_wsgi_app()
print(Request.blank("/page").get_response(application).text)
