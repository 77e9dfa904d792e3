"""The Flask extension, with Flask's own functions, test client and a gunicorn process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import httpx
import jinja2
import pytest

import tmplmon
from tests.integrations.conftest import GUNICORN
from tmplmon.integrations.flask import Tmplmon


@pytest.fixture
def app(folder: Path) -> flask.Flask:
    made = flask.Flask(__name__, template_folder=str(folder))
    made.secret_key = "for the session"
    Tmplmon(made)

    @made.context_processor
    def names() -> dict[str, Any]:
        return {"site": "<Shop>"}

    @made.route("/")
    def index() -> str:
        return flask.render_template("index.html", title="A & B", items=["x", "<y>"])

    return made


PAGE = "<title>A &amp; B</title>\n<nav>&lt;Shop&gt;</nav>\n<li>x</li><li>&lt;y&gt;</li>"


def text(app: flask.Flask, source: str, **context: Any) -> str:
    with app.test_request_context():
        return flask.render_template_string(source, **context)


def test_render_template_is_flasks_own(app: flask.Flask) -> None:
    response = app.test_client().get("/")
    assert response.text.strip() == PAGE
    assert isinstance(app.jinja_env, tmplmon.Environment)


def test_variables_that_flask_adds(app: flask.Flask) -> None:
    app.config["COLOUR"] = "red"
    shown = text(app, "{{ url_for('index') }} {{ config.COLOUR }} {{ request.path }} {{ g.get('x', 1) }}")
    assert shown == "/ red / 1"
    with app.test_request_context():
        flask.flash("<saved>", "info")
        source = (
            "{% for kind, m in get_flashed_messages(with_categories=true) %}{{ kind }}: {{ m }}{% endfor %}"
        )
        assert flask.render_template_string(source) == "info: &lt;saved&gt;"
        flask.session["user"] = "Ann"
        assert flask.render_template_string("{{ session.user }}") == "Ann"


def test_an_imported_template_sees_flasks_globals(app: flask.Flask, folder: Path) -> None:
    (folder / "lib.html").write_text(
        "{% macro home() %}{{ url_for('index') }}{{ request.path }}{% endmacro %}"
    )
    assert text(app, "{% from 'lib.html' import home %}{{ home() }}") == "//"
    with app.test_request_context("/x"):
        assert flask.get_template_attribute("lib.html", "home")() == "//x"


def test_escaping_is_by_name_as_in_flask(app: flask.Flask, folder: Path) -> None:
    (folder / "mail.txt").write_text("{{ x }}")
    with app.app_context():
        assert flask.render_template("mail.txt", x="<") == "<"
    assert text(app, "{{ x }}", x="<") == "&lt;"


def test_blueprints_have_folders_and_processors_of_their_own(app: flask.Flask, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "pages").mkdir(parents=True)
    (own / "pages/about.html").write_text('{% extends "base.html" %}{% block body %}{{ who }}{% endblock %}')
    (own / "nav.html").write_text("the application's comes first")
    blueprint = flask.Blueprint("pages", __name__, template_folder=str(own))

    @blueprint.context_processor
    def names() -> dict[str, Any]:
        return {"who": "Ann"}

    @blueprint.route("/about")
    def about() -> str:
        return flask.render_template("pages/about.html")

    app.register_blueprint(blueprint)
    assert "<nav>&lt;Shop&gt;</nav>\nAnn" in app.test_client().get("/about").text
    assert "pages/about.html" in app.jinja_env.list_templates()


def test_decorators_before_and_after_the_extension() -> None:
    app = flask.Flask(__name__)
    app.template_filter("early")(lambda value: f"<{value}>")
    app.jinja_env.policies["urlize.target"] = "_new"
    app.add_template_global(7, "seven")
    app.jinja_env.filters["upper"] = lambda value: "mine"
    Tmplmon(app)
    app.template_test("late")(lambda value: value == 7)
    source = "{{ 1|early }} {{ seven is late }} {{ 'a'|upper }} {{ 'http://x.org'|urlize }}"
    shown = text(app, source)
    assert shown.startswith("&lt;1&gt; True mine <a ") and 'target="_new"' in shown


def test_options_of_the_environment() -> None:
    app = flask.Flask(__name__)
    app.jinja_options = {"trim_blocks": True}
    Tmplmon(app, undefined=tmplmon.StrictUndefined)
    assert text(app, "{% if 1 %}\nx{% endif %}") == "x"
    with pytest.raises(tmplmon.UndefinedError):
        text(app, "{{ nothing }}")


def test_json_is_flasks(app: flask.Flask) -> None:
    import datetime

    shown = text(app, "{{ day|tojson }}", day=datetime.date(2026, 1, 2))
    assert shown == '"Fri, 02 Jan 2026 00:00:00 GMT"'


def test_signals(app: flask.Flask) -> None:
    seen: list[tuple[str, str | None, str]] = []

    def before(sender: Any, template: tmplmon.Template, context: dict[str, Any], **_: Any) -> None:
        seen.append(("before", template.name, context["title"]))

    def after(sender: Any, template: tmplmon.Template, context: dict[str, Any], **_: Any) -> None:
        seen.append(("after", template.name, context["title"]))

    with (
        flask.before_render_template.connected_to(before, app),
        flask.template_rendered.connected_to(after, app),
    ):
        app.test_client().get("/")
    assert seen == [("before", "index.html", "A & B"), ("after", "index.html", "A & B")]


def test_streaming(app: flask.Flask) -> None:
    @app.route("/stream")
    def stream() -> Any:
        return flask.stream_template("index.html", title=flask.request.path, items=iter("ab"))

    response = app.test_client().get("/stream")
    assert response.is_streamed
    assert "<title>/stream</title>" in response.text and "<li>a</li><li>b</li>" in response.text


def test_missing_templates_and_errors(app: flask.Flask) -> None:
    with app.app_context():
        with pytest.raises(tmplmon.TemplateNotFound) as caught:
            flask.render_template("no.html")
        assert caught.value.name == "no.html" and not isinstance(caught.value, jinja2.TemplateError)
        assert flask.render_template(["no.html", "nav.html"], site="x") == "<nav>x</nav>"
        with pytest.raises(tmplmon.TemplateSyntaxError):
            flask.render_template("wrong.html")
    app.add_url_rule("/broken", view_func=lambda: flask.render_template("broken.html", zero=0))
    assert app.test_client().get("/broken").status_code == 500


def test_changed_templates_are_seen_when_debugging(folder: Path) -> None:
    for debug in (True, False):
        app = flask.Flask(__name__, template_folder=str(folder))
        app.debug = debug
        Tmplmon(app)
        (folder / "nav.html").write_text("old")
        with app.app_context():
            before = flask.render_template("index.html")
            (folder / "nav.html").write_text("newer")
            after = flask.render_template("index.html")
        assert ("old" in before, "newer" in after) == (True, debug)


def test_init_app(folder: Path) -> None:
    extension = Tmplmon()
    app = flask.Flask(__name__, template_folder=str(folder))
    extension.init_app(app)
    assert app.extensions["tmplmon"] is extension
    assert text(app, "{{ 1 + 1 }}") == "2"


SERVED = """
import flask
from tmplmon.integrations.flask import Tmplmon

application = flask.Flask("served", template_folder="templates")
Tmplmon(application)

@application.route("/<title>")
def index(title):
    return flask.render_template("index.html", title=title, site="S", items=range(3))
"""


def test_with_gunicorn(folder: Path, serve: Callable[..., str]) -> None:
    address = serve(SERVED, *GUNICORN)
    with httpx.Client() as client:
        for title in ("one", "two"):
            response = client.get(f"{address}/{title}")
            assert response.status_code == 200
            assert f"<title>{title}</title>\n<nav>S</nav>\n<li>0</li><li>1</li><li>2</li>" in response.text
