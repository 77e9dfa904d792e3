"""The endpoint for executed lines, mounted in Flask and Starlette."""

import os
from pathlib import Path
from typing import Any

import flask
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tmplmon.integrations.coverage import ASGICoverage, WSGICoverage
from tmplmon.integrations.flask import Tmplmon
from tmplmon.integrations.starlette import TmplmonTemplates
from tmplmon.tools.livecoverage import LiveCoverage


def check(get: Any) -> None:
    """get: (path, query, header Accept) → the type of the response, and its text or JSON."""
    answer = get("/run").json
    (process,) = answer["processes"]
    assert process["pid"] == os.getpid()
    before = answer["templates"]
    assert before["index.html"]["ran"] == [] and before["index.html"]["missing"] == [1, 2, 3]
    assert get("/").text.startswith("<title>T</title>")
    after = get("/run").json["templates"]
    assert after["index.html"]["ran"] == [1, 2, 3] and after["nav.html"]["ran"] == [1]
    assert after["long.html"]["ran"] == []
    # The text of the template is not in the answer.
    assert after["wrong.html"]["line"] == 2 and "\n" not in after["wrong.html"]["error"]
    for path, accept in (
        ("/run?format=prometheus", ""),
        ("/run", "application/openmetrics-text; version=1.0.0"),
    ):
        metrics = get(path, accept)
        assert metrics.type == "text/plain; version=0.0.4; charset=utf-8"
        assert 'tmplmon_template_lines_run{template="index.html"} 3\n' in metrics.text
    assert get("/run?format=json", "text/plain;version=0.0.4").type == "application/json"


class Answer:
    def __init__(self, kind: str, response: Any) -> None:
        self.type = kind
        self.text = response.text
        self.json = (
            (response.json() if callable(response.json) else response.json) if "json" in kind else None
        )


@pytest.fixture
def live() -> Any:
    with LiveCoverage() as made:
        yield made


def test_wsgi(folder: Path, live: LiveCoverage) -> None:
    app = flask.Flask(__name__, template_folder=str(folder))
    Tmplmon(app)
    app.add_url_rule("/", view_func=lambda: flask.render_template("index.html", title="T"), endpoint="index")
    endpoint: Any = WSGICoverage(live, app.jinja_env)  # type: ignore[arg-type]
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/run": endpoint})  # type: ignore[method-assign]
    client = app.test_client()

    def get(path: str, accept: str = "") -> Answer:
        response = client.get(path, headers={"Accept": accept})
        return Answer(response.headers["Content-Type"], response)

    check(get)


def test_asgi(folder: Path, live: LiveCoverage) -> None:
    templates = TmplmonTemplates(folder)

    def index(request: Any) -> Any:
        return templates.TemplateResponse(request, "index.html", {"title": "T"})

    app = Starlette(routes=[Route("/", index), Mount("/run", app=ASGICoverage(live, templates.env))])
    client = TestClient(app)

    def get(path: str, accept: str = "") -> Answer:
        response = client.get(path, headers={"Accept": accept})
        return Answer(response.headers["content-type"], response)

    check(get)
