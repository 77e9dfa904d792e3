"""Fixtures for the web frameworks: a folder of templates, and servers on the loopback interface."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

TEMPLATES = {
    "base.html": (
        "<title>{% block title %}{% endblock %}</title>\n"
        '{% include "nav.html" %}\n'
        "{% block body %}{% endblock %}\n"
    ),
    "nav.html": "<nav>{{ site }}</nav>",
    "index.html": (
        '{% extends "base.html" %}\n'
        "{% block title %}{{ title }}{% endblock %}\n"
        "{% block body %}{% for item in items %}<li>{{ item }}</li>{% endfor %}{% endblock %}\n"
    ),
    "broken.html": "one\n{{ 1 // zero }}\nthree\n",
    "wrong.html": "one\n{% if %}\n",
    "long.html": "{% for n in numbers %}{{ n }} {{ 'x' * 100 }}\n{% endfor %}",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with `TEMPLATES`."""
    made = tmp_path / "templates"
    made.mkdir()
    for name, source in TEMPLATES.items():
        (made / name).write_text(source)
    return made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A function that starts a server for a module with an `application`, and returns its address. The server is
    stopped after the test. On Linux, it stops by itself after a minute, as the tests may be killed."""
    started: list[subprocess.Popen[str]] = []

    def serve(source: str, *command: str) -> str:
        if find_spec(command[0]) is None:
            pytest.skip(f"needs {command[0]}")
        (tmp_path / "served.py").write_text(source)
        limit = ["timeout", "60"] if sys.platform == "linux" else []
        process = subprocess.Popen(
            [*limit, sys.executable, "-m", *command, "served:application"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        seen: list[str] = []
        for line in process.stdout:
            seen.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found is not None:
                return found.group()
        raise AssertionError("the server did not start:\n" + "".join(seen))

    yield serve
    for process in started:
        process.terminate()
        assert process.stdout is not None
        process.stdout.read()
        process.wait(30)


def configure_django() -> None:
    """Configure Django, which has one set of settings for a process. Tests override single settings."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(SECRET_KEY="of tests", ALLOWED_HOSTS=["*"], STATIC_URL="/static/", USE_TZ=True)
        django.setup()


UVICORN = ("uvicorn", "--port", "0", "--host", "127.0.0.1")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:0", "--threads", "2")
