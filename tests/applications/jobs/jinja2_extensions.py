"""Tags and templates of jinja2-simple-tags, jinja2-time, jinja2-fragments and JinjaX."""

from pathlib import Path

import jinja2
import jinjax
from jinja2_fragments import render_block, render_blocks
from jinja2_simple_tags import ContainerTag, StandaloneTag
from jinja2_time import TimeExtension


class Stamp(StandaloneTag):
    tags = frozenset({"stamp"})

    def render(self, *words, upper=False):
        text = "-".join(map(str, words))
        return text.upper() if upper else text


class Box(ContainerTag):
    tags = frozenset({"box"})

    def render(self, title="", caller=None):
        return f"[{title}: {caller()} in {self.template} line {self.lineno}]"


environment = jinja2.Environment(extensions=[Stamp, Box, TimeExtension], autoescape=True)
template = environment.from_string(
    "{% stamp 'a', 1 + 1, upper=true %}\n{% box title=name %}{% for x in range(3) %}{{ x }}{% endfor %}{% endbox %}\n"
    "{% now 'utc', '%%' %}{% set t %}{% now 'utc', '%Y' %}{% endset %}{{ t|length }}{% stamp 5 as y %}{{ y }}\n"
)
print(template.render(name="<n>"))
blocks = jinja2.Environment(
    loader=jinja2.DictLoader(
        {
            "base": "{% block head %}base{% endblock %}{% block main %}{% endblock %}",
            "page": "{% extends 'base' %}{% block main %}{% set n = 2 %}{{ n * x }}{% block inner %}{{ x }}{% endblock %}{% endblock %}",
        }
    )
)
for name in ("main", "inner"):
    print(render_block(blocks, "page", name, x=21))
print(render_blocks(blocks, "page", ["main", "inner"], x=1))
components = Path("components")
components.mkdir()
(components / "Card.jinja").write_text(
    "{#def title, level=1 #}\n<h{{ level }} {{ attrs.render() }}>{{ title }}</h{{ level }}>{{ content }}\n"
)
(components / "Page.jinja").write_text(
    "{#def items #}\n{% for item in items %}<Card title={{ item }} class='big' :level='2'>Text {{ item|upper }}</Card>{% endfor %}\n"
)
catalog = jinjax.Catalog()
catalog.add_folder(str(components))
print(catalog.render("Page", items=["one", "<two>"]))
