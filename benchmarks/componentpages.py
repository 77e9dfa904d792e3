"""Pages made of components, and the same pages with an empty component: for what tools say and cost.

The difference between the two is the time of the component, measured without any tool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

ROWS = 100
_BODY = "<td>{{ row.name|upper }}</td>\n<td>{{ row.price * 3 }}</td>\n<td>{{ row.note|default('-') }}</td>\n"
_ROWS = "<table>\n{% for row in rows %}\n"
_END = "{% endfor %}\n</table>\n"


@dataclass(frozen=True)
class Page:
    """Templates with ``BODY`` in the place of the component's lines. file: the template that has the component."""

    templates: dict[str, str]
    file: str = "page"

    @property
    def lines(self) -> range:
        """The numbers of the component's lines."""
        before = self.templates[self.file].partition("BODY")[0].count("\n")
        return range(before + 1, before + 1 + _BODY.count("\n"))


PAGES: dict[str, Page] = {
    "an included row": Page({"page": _ROWS + "{% include 'row' %}\n" + _END, "row": "BODY"}, "row"),
    "a macro of the same file": Page(
        {"page": "{% macro cell(row) %}\nBODY{% endmacro %}\n" + _ROWS + "{{ cell(row) }}\n" + _END}
    ),
    "a call block": Page(
        {
            "page": "{% macro box(row) %}\n<b>{{ row.name }}</b>{{ caller(row) }}\n{% endmacro %}\n"
            + _ROWS
            + "{% call(row) box(row) %}\nBODY{% endcall %}\n"
            + _END
        }
    ),
    "a recursive loop": Page(
        {
            "page": "{% for row in rows recursive %}\nBODY{% if row.children %}\n{{ loop(row.children) }}\n"
            "{% endif %}\n{% endfor %}\n"
        }
    ),
    "blocks with super": Page(
        {
            "page": "{% extends 'base' %}\n{% block row scoped %}\nBODY{{ super() }}\n{% endblock %}",
            "base": _ROWS + "{% block row scoped %}\n<td>{{ row.id }}</td>\n{% endblock %}\n" + _END,
        }
    ),
}


def renders(page: Page, backend: str) -> tuple[Callable[[], object], Callable[[], object], str]:
    """Return functions that render a page, whole and with an empty component, and the component's file."""
    from tmplmon import DictLoader, Environment

    rows: list[dict[str, Any]] = [{"id": n, "name": f"name {n}", "price": n} for n in range(ROWS)]
    for row, child in pairwise(list(rows)):
        if row["id"] % 2 == 0:
            row["children"] = [child]

    def made(body: str) -> tuple[Callable[[], object], Any]:
        templates = {name: text.replace("BODY", body) for name, text in page.templates.items()}
        environment = Environment(loader=DictLoader(templates), backend=backend)  # pyright: ignore[reportArgumentType]
        template = environment.get_template("page")
        template.render(rows=rows)
        return lambda: template.render(rows=rows), environment.get_template(page.file)

    whole, file = made(_BODY)
    stubbed, _ = made("")
    return whole, stubbed, file._file
