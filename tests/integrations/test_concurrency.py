"""Many threads and tasks at the same time: each has its own page, whichever compiles a template first."""

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from tmplmon import Environment, FileSystemLoader
from tmplmon.tools.livecoverage import LiveCoverage

TEMPLATES = {
    "base.html": "[{% block body %}{% endblock %}|{{ who }}]",
    "page.html": (
        "{% extends 'base.html' %}{% from 'lib.html' import card %}{% set own = who ~ '!' %}"
        "{% block body %}{% for n in range(count) %}{{ card(who, n) }}{% include 'part.html' %}{% endfor %}"
        "{% set text %}{{ who }}{% endset %}{{ text|upper }}{{ pause() }}{{ who }}{% endblock %}"
    ),
    "lib.html": "{% macro card(who, n) %}<{{ who }}.{{ n }}>{% endmacro %}",
    "part.html": "({{ who }}{{ n }})",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, source in TEMPLATES.items():
        (tmp_path / name).write_text(source)
    return tmp_path


def expected(who: str, count: int) -> str:
    rounds = "".join(f"<{who}.{n}>({who}{n})" for n in range(count))
    return f"[{rounds}{who.upper()}{who}|{who}]"


@pytest.mark.parametrize(
    "options", [{}, {"backend": "closures"}, {"source_map": True}, {"cache_size": 2}], ids=str
)
def test_threads(folder: Path, options: dict[str, Any]) -> None:
    environment = Environment(loader=FileSystemLoader(folder), **options)
    wrong: list[Any] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        try:
            start.wait(30)
            for count in range(60):
                if count % 20 == 0:
                    # Changes after which all templates are linked again.
                    environment.globals[f"g{number}"] = count
                who = f"t{number}x{count}"
                page = environment.get_template("page.html").render(who=who, count=count % 7, pause=str)
                if page != expected(who, count % 7):
                    wrong.append((who, page))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    with LiveCoverage():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


@pytest.mark.parametrize("options", [{}, {"backend": "closures"}, {"source_map": True}], ids=str)
def test_tasks(folder: Path, options: dict[str, Any]) -> None:
    environment = Environment(loader=FileSystemLoader(folder), enable_async=True, **options)

    async def pause() -> str:
        await asyncio.sleep(0)
        return ""

    async def page(number: int) -> str:
        template = environment.get_template("page.html")
        return await template.render_async(who=f"t{number}", count=number % 5, pause=pause)

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(page(number) for number in range(200)))

    assert asyncio.run(all_of_them()) == [expected(f"t{number}", number % 5) for number in range(200)]


@pytest.mark.parametrize("options", [{}, {"backend": "closures"}, {"source_map": True}], ids=str)
def test_no_objects_of_a_page_stay_alive(folder: Path, options: dict[str, Any]) -> None:
    environment = Environment(loader=FileSystemLoader(folder), **options)
    template = environment.get_template("page.html")

    def objects() -> int:
        for number in range(50):
            template.render(who=f"w{number}", count=5, pause=str)
        gc.collect()
        return len(gc.get_objects())

    objects()
    before = objects()
    assert max(objects() for _ in range(3)) <= before + 20
