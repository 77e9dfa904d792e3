"""Engines with observed templates, and measurements of them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import coverage
import pytest
from django.template import Context, Engine

from tests.integrations.conftest import configure_django
from tests.template_coverage.expected import Numbers, reported
from tmplmon.integrations.django import native

type MakeEngine = Callable[..., Engine]

LIBRARIES = {"tried": "tests.django_native.tags", "i18n": "django.templatetags.i18n"}


@pytest.fixture(autouse=True)
def observed() -> Iterator[None]:
    """Observe Django's templates during a test."""
    configure_django()
    native.install()
    yield
    native.uninstall()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.fixture
def engine(folder: Path) -> MakeEngine:
    """Write templates, and return an engine for them."""

    def make(files: Mapping[str, str], **options: Any) -> Engine:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return Engine(dirs=[str(folder)], libraries=LIBRARIES, **options)

    return make


def counting(folder: Path, core: str | None = None, *, branch: bool = True) -> coverage.Coverage:
    """A measurement of the files in a folder."""
    counter = coverage.Coverage(data_file=None, config_file=False, branch=branch, source=[str(folder)])
    counter.set_option("run:plugins", ["tmplmon"])
    counter.set_option("tmplmon:django", "true")
    if core is not None:
        counter.set_option("run:core", core)
    return counter


def numbers(counter: coverage.Coverage, folder: Path) -> dict[str, Numbers]:
    """File → its numbers in the JSON report."""
    written = folder.parent / "report.json"
    counter.json_report(outfile=str(written), ignore_errors=True)
    files = json.loads(written.read_text())["files"]
    return {str(Path(path).resolve().relative_to(folder)): reported(file) for path, file in files.items()}


def table(counter: coverage.Coverage) -> str:
    """The text report."""
    written = io.StringIO()
    counter.report(file=written, show_missing=True)
    return written.getvalue()


def render(engine: Engine, name: str, /, **variables: Any) -> str:
    return str(engine.get_template(name).render(Context(variables)))
