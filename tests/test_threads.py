"""Threads share the environment's templates, loaders, the disk cache, links between templates, and loops.

The switch interval is one microsecond, so that threads are interleaved after a few instructions.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import pytest

from tmplmon import DictLoader, Environment, FileSystemLoader, Template

THREADS = 8
ROUNDS = 15
PAGES = 6

TEMPLATES = {
    "base": "<{% block body %}{% endblock %}|{% block foot %}foot{% endblock %}>",
    "lib": "{% macro item(n, suffix='') %}{{ n }}{{ suffix }}{% endmacro %}{% set name = 'lib' %}",
    "row": "{{ row }};",
}
TEMPLATES |= {
    f"page{n}": "{% extends 'base' %}{% from 'lib' import item %}{% block body %}"
    f"{n}:{{% for row in rows %}}{{{{ loop.index }}}}{{{{ item(row, suffix='!') }}}}{{% include 'row' %}}"
    "{% endfor %}{% endblock %}"
    for n in range(PAGES)
}


@pytest.fixture(autouse=True)
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def expected(page: int, rows: list[int]) -> str:
    return f"<{page}:" + "".join(f"{i}{row}!{row};" for i, row in enumerate(rows, 1)) + "|foot>"


def in_threads(work: Any) -> None:
    """Run `work(random)` in all threads at the same time. Raises the exception of a thread."""
    barrier = Barrier(THREADS)

    def run(number: int) -> None:
        barrier.wait(30)
        work(Random(number))

    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(run, number) for number in range(THREADS)]:
            future.result()


def render_pages(environment: Environment, random: Random) -> None:
    for _ in range(ROUNDS):
        page, rows = random.randrange(PAGES), [random.randrange(100) for _ in range(3)]
        template = environment.get_template(f"page{page}")
        if random.random() < 0.3:
            assert "".join(template.generate(rows=rows)) == expected(page, rows)
        else:
            assert template.render(rows=rows) == expected(page, rows)


@pytest.mark.parametrize(
    ("backend", "cache_size"),
    [*(("bytecode", size) for size in (0, 1, 2, 400, -1)), ("closures", 2)],
)
def test_templates_of_one_environment(backend: str, cache_size: int) -> None:
    environment = Environment(loader=DictLoader(TEMPLATES), cache_size=cache_size, backend=backend)
    in_threads(lambda random: render_pages(environment, random))
    if environment.cache is not None and cache_size > 0:
        assert len(environment.cache) <= cache_size


@pytest.mark.parametrize("auto_reload", [False, True])
def test_a_full_cache(auto_reload: bool) -> None:
    """Looks templates up so often that other threads drop templates at the same time."""
    loader = DictLoader({f"page{n}": str(n) for n in range(PAGES)})
    environment = Environment(loader=loader, cache_size=2, auto_reload=auto_reload)

    def look_up(random: Random) -> None:
        for _ in range(300):
            page = random.randrange(PAGES)
            assert environment.get_template(f"page{page}").render() == str(page)

    in_threads(look_up)
    assert environment.cache is not None
    assert len(environment.cache) <= 2


@pytest.mark.parametrize("cache_size", [1, 400])
def test_files_and_the_disk_cache(tmp_path: Path, cache_size: int) -> None:
    folder, cache = tmp_path / "templates", tmp_path / "cache"
    folder.mkdir()
    for name, source in TEMPLATES.items():
        (folder / name).write_text(source)
    loader = FileSystemLoader(folder)
    environments = [Environment(loader=loader, cache_size=cache_size, cache_dir=cache) for _ in range(3)]

    def work(random: Random) -> None:
        render_pages(random.choice(environments), random)

    in_threads(work)


def test_all_threads_see_a_changed_file() -> None:
    sources = dict(TEMPLATES)
    environment = Environment(loader=DictLoader(sources), cache_size=3)

    def work(random: Random) -> None:
        for _ in range(ROUNDS):
            if random.random() < 0.2:
                sources["row"] = random.choice(("{{ row }};", "{{ row }},"))
            text = environment.get_template("page0").render(rows=[1, 2])
            assert text.replace(",", ";") == expected(0, [1, 2])

    in_threads(work)


def test_overlays_and_templates_from_text() -> None:
    environment = Environment(loader=DictLoader(TEMPLATES), cache_size=2)

    def work(random: Random) -> None:
        for _ in range(ROUNDS):
            own = environment.overlay(autoescape=random.random() < 0.5)
            assert own.from_string("{% include 'row' %}{{ x }}").render(row=1, x="<") == (
                "1;&lt;" if own.autoescape else "1;<"
            )
            number = random.randrange(20)
            template = Template("{{ x }}", comment_start_string=f"<{number}")
            assert template.render(x=number) == str(number)
            environment.globals[f"name{random.randrange(9)}"] = 1
            environment.filters[f"filter{random.randrange(9)}"] = str
            assert environment.from_string("{{ x|upper }}").render(x="a") == "A"

    in_threads(work)
