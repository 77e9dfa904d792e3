"""How an application uses the public API, for a type checker: ``mypy --strict`` on this file has nothing to say.

It is checked against the installed wheel, so that what is checked is what a user gets. It is not run.
"""

from collections.abc import Iterator
from typing import Any, assert_type

from tmplmon import (
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
    select_autoescape,
)

environment = Environment(
    loader=ChoiceLoader([FileSystemLoader(["templates", "theme"]), DictLoader({"page.html": "{{ title }}"})]),
    autoescape=select_autoescape(("html", "xml")),
    undefined=StrictUndefined,
    trim_blocks=True,
    extensions=["tmplmon.ext.do"],
)
assert_type(environment, Environment)


@pass_context
def visible(context: Any, name: str) -> bool:
    return name in context


environment.filters["shout"] = str.upper
environment.tests["visible"] = visible
environment.globals["year"] = 2027


def page(title: str) -> str:
    try:
        template = environment.get_template("page.html")
    except TemplateNotFound as error:
        return str(error)
    except TemplateSyntaxError as error:
        return f"{error.filename}:{error.lineno}: {error.message}"
    assert_type(template, Template)
    return template.render(title=title)


def pieces() -> Iterator[str]:
    yield from environment.from_string("{{ 1 }}").generate({"a": 1}, b=2)
    yield Template("{{ name }}").render(name="x")
