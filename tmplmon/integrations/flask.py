"""Flask renders its templates with this engine.

    app = Flask(__name__)
    Tmplmon(app)            # or: tmplmon = Tmplmon(); …; tmplmon.init_app(app)

Nothing else changes: `flask.render_template`, `stream_template`, `get_template_attribute`, `url_for`, flashed
messages, context processors, signals, blueprints' template folders, `app.jinja_options` and the decorators
`app.template_filter`, `template_test`, `template_global` are Flask's own, which it all does through
`app.jinja_env`. That is an `Environment` of this engine then.

Where the app is in debug mode, and not testing, a template that fails is answered with a page that shows where. The
configuration can say TMPLMON_SOURCE_MAP=True for source maps in the pages, with TMPLMON_EDITOR for links into an
editor, and TMPLMON_ERROR_PAGE=False to leave errors to Werkzeug's debugger.
"""

from typing import Any

import jinja2
from flask import Flask

from tmplmon import BaseLoader, Environment, TemplateNotFound
from tmplmon.integrations.development import WSGIDevelopment


class Tmplmon:
    """The extension. `app.extensions["tmplmon"]` is the instance.

    options: of the environment; they come before those in `app.jinja_options`.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self.options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make an application render with this engine."""
        app.extensions["tmplmon"] = self
        app.jinja_environment = FlaskEnvironment  # type: ignore[assignment]
        app.jinja_options = {**app.jinja_options, **self.options}
        app.wsgi_app = FlaskDevelopment(app)  # type: ignore[method-assign]
        earlier = app.__dict__.pop("jinja_env", None)
        if earlier is not None:
            _take_over(app, earlier)


def _take_over(app: Flask, earlier: Any) -> None:
    """What was registered before the extension came goes on to its environment."""
    made = app.jinja_env
    stock = jinja2.Environment()
    for kind in ("filters", "tests", "globals"):
        known = getattr(stock, kind)
        table = getattr(made, kind)
        for name, value in getattr(earlier, kind).items():
            if name not in known or known[name] is not value:
                table.setdefault(name, value) if kind == "globals" else table.update({name: value})
    made.policies.update({k: v for k, v in earlier.policies.items() if v is not stock.policies.get(k)})


class FlaskDevelopment:
    """The application's WSGI function: in debug mode, with error pages and source maps (see `development`)."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.wsgi_app = app.wsgi_app
        self._development: WSGIDevelopment | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        app = self.app
        if not app.debug or app.testing:
            return self.wsgi_app(environ, start_response)
        if self._development is None:
            config = app.config
            environment: Any = app.jinja_env
            if config.get("TMPLMON_SOURCE_MAP", False):
                # Not when the environment is made: to register a filter makes it, `app.run(debug=True)` comes later
                # and so may the configuration.
                app.jinja_env = environment = environment.overlay(source_map=True)
            errors, editor = config.get("TMPLMON_ERROR_PAGE", True), config.get("TMPLMON_EDITOR")
            self._development = WSGIDevelopment(self.wsgi_app, environment, errors=errors, editor=editor)
        return self._development(environ, start_response)


class FlaskEnvironment(Environment):
    """The environment of an application's templates, made as Flask makes its own."""

    def __init__(self, app: Flask, **options: Any) -> None:
        options.setdefault("loader", AppLoader(app))
        super().__init__(**options)
        self.app = app


class AppLoader(BaseLoader):
    """The template folders of an application and its blueprints, looked through by Flask itself."""

    def __init__(self, app: Flask) -> None:
        self.loader: Any = app.create_global_jinja_loader()

    def get_source(self, environment: Any, template: str) -> Any:
        try:
            return self.loader.get_source(environment, template)
        except jinja2.TemplateNotFound as error:
            raise TemplateNotFound(template) from error

    def list_templates(self) -> list[str]:
        return sorted(self.loader.list_templates())
