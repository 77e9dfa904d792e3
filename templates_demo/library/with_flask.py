"""The library with Flask."""

from pathlib import Path
from typing import Any

import flask

from templates_demo.library.views import ROUTES, Library, Page, Redirect, Request, View, missing, prepare
from tmplmon.integrations.coverage import WSGICoverage
from tmplmon.integrations.flask import Tmplmon

HERE = Path(__file__).parent


def make(library: Library, debug: bool = False) -> flask.Flask:
    app = flask.Flask("library", root_path=str(HERE))
    app.debug = debug
    app.config.update(TMPLMON_SOURCE_MAP=debug, TMPLMON_EDITOR="vscode://file/{file}:{line}")
    Tmplmon(app)
    prepare(app.jinja_env)
    app.jinja_env.globals["served_by"] = "Flask"
    library.environment = app.jinja_env
    for name, (address, view) in ROUTES.items():
        rule = "/" + address.replace("{number}", "<int:number>")
        app.add_url_rule(rule, name, _view(library, name, view), methods=["GET", "POST"])
    app.register_error_handler(404, lambda error: _response(library, "", missing()))
    if library.live is not None:
        endpoint = WSGICoverage(library.live, library.environment)
        app.add_url_rule("/run", "run", lambda: flask.Response(*_run(endpoint)))
    return app


def _view(library: Library, name: str, view: View) -> Any:
    def answer(number: int = 0) -> Any:
        form = flask.request.form if flask.request.method == "POST" else None
        return _response(library, name, view(library, Request(flask.request.args, form, number)))

    return answer


def _response(library: Library, name: str, answer: Page | Redirect) -> Any:
    if isinstance(answer, Redirect):
        return flask.redirect(flask.url_for(answer.view, **answer.values), 303)
    text = flask.render_template(answer.template, view=name, **answer.names)
    return flask.Response(text, answer.status, mimetype=answer.type)


def _run(endpoint: WSGICoverage) -> tuple[bytes, int, dict[str, str]]:
    accept = flask.request.headers.get("Accept", "")
    kind, body = endpoint.answer(flask.request.query_string.decode("latin-1"), accept)
    return body, 200, {"Content-Type": kind}
