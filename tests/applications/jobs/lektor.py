"""Builds a site with models, a listing, and filters of Lektor's."""

from pathlib import Path

FILES = {
    "Demo.lektorproject": "[project]\nname = Demo\nurl = https://example.org/\n",
    "content/contents.lr": "title: Home\n---\nbody: Hello **you** & me\n",
    "content/blog/contents.lr": "_model: blog\n---\ntitle: Blog\n",
    "content/blog/first/contents.lr": "title: First <post>\n---\nbody: Text\n",
    "content/blog/second/contents.lr": "title: Second\n---\nbody: * a\n* b\n",
    "models/page.ini": "[model]\nname = Page\nlabel = {{ this.title }}\n[fields.title]\ntype = string\n[fields.body]\ntype = markdown\n",
    "models/blog.ini": "[model]\nname = Blog\nlabel = {{ this.title }}\n[children]\nmodel = page\norder_by = title\n[fields.title]\ntype = string\n",
    "templates/layout.html": "<title>{% block title %}{{ this.title }}{% endblock %}</title>\n{% block body %}{% endblock %}\n",
    "templates/page.html": "{% extends 'layout.html' %}\n{% block body %}{{ this.body }}\n{{ '/blog'|url }} {{ [3, 1]|sort }}{% endblock %}\n",
    "templates/blog.html": "{% extends 'layout.html' %}\n{% block body %}\n{% for child in this.children %}\n"
    "<a href='{{ child|url }}'>{{ loop.index }} {{ child.title }}</a>\n{% else %}none{% endfor %}{% endblock %}\n",
}
for name, text in FILES.items():
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
from lektor.builder import Builder  # noqa: E402
from lektor.project import Project  # noqa: E402

builder = Builder(Project.discover().make_env().new_pad(), "out")
assert builder.build_all() == 0
