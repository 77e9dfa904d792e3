"""Makes Flask render its templates with this engine.

    app = Flask(__name__)
    Tmplmon(app)            # or: tmplmon = Tmplmon(); …; tmplmon.init_app(app)

Nothing else changes. `flask.render_template`, `stream_template`, `get_template_attribute`, `url_for`, flashed
messages, context processors, signals, template folders of blueprints, `app.jinja_options` and the decorators
`app.template_filter`, `template_test`, `template_global` are Flask's own: they use `app.jinja_env`, which is now an
`Environment` of this engine.

In debug mode, but not when testing, an error in a template is answered by a page that shows the place.
Configuration: TMPLMON_SOURCE_MAP=True adds source maps to pages, TMPLMON_EDITOR adds links into an editor, and
TMPLMON_ERROR_PAGE=False leaves errors to Werkzeug's debugger.
"""

from typing import Any

import jinja2
from flask import Flask

from tmplmon import BaseLoader, Environment, TemplateNotFound
from tmplmon.integrations.development import WSGIDevelopment


class Tmplmon:
    """The Flask extension. `app.extensions["tmplmon"]` is its instance.

    app: the application; None: call `init_app` later. options: arguments of the environment; `app.jinja_options`
    override them.
    """

    def __init__(self, app: Flask | None = None, **options: Any) -> None:
        self.options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Make `app` render its templates with this engine."""
        app.extensions["tmplmon"] = self
        app.jinja_environment = FlaskEnvironment  # type: ignore[assignment]
        app.jinja_options = {**app.jinja_options, **self.options}
        app.wsgi_app = FlaskDevelopment(app)  # type: ignore[method-assign]
        flask_environment = app.__dict__.pop("jinja_env", None)
        if flask_environment is not None:
            _copy_registrations(app, flask_environment)


def _copy_registrations(app: Flask, flask_environment: Any) -> None:
    """Copy the filters, tests, globals and policies that were registered before the extension was initialized."""
    environment = app.jinja_env
    stock = jinja2.Environment()
    for kind in ("filters", "tests", "globals"):
        stock_table = getattr(stock, kind)
        table = getattr(environment, kind)
        for name, value in getattr(flask_environment, kind).items():
            if name not in stock_table or stock_table[name] is not value:
                table.setdefault(name, value) if kind == "globals" else table.update({name: value})
    policies = flask_environment.policies.items()
    environment.policies.update({k: v for k, v in policies if v is not stock.policies.get(k)})


class FlaskDevelopment:
    """Wraps the application's WSGI function: in debug mode, adds error pages and source maps (see
    `development`)."""

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
                # Not earlier: registering a filter creates the environment, often before `app.run(debug=True)` and
                # before the configuration is complete.
                environment = environment.overlay(source_map=True)
                app.jinja_env = environment  # pyright: ignore[reportAttributeAccessIssue]
            self._development = WSGIDevelopment(
                self.wsgi_app,
                environment,
                errors=config.get("TMPLMON_ERROR_PAGE", True),
                editor=config.get("TMPLMON_EDITOR"),
                remote=config.get("TMPLMON_REMOTE", False),
            )
        return self._development(environ, start_response)


class FlaskEnvironment(Environment):
    """The environment of an application, with the constructor that Flask expects."""

    def __init__(self, app: Flask, **options: Any) -> None:
        options.setdefault("loader", AppLoader(app))
        super().__init__(**options)
        self.app = app


class AppLoader(BaseLoader):
    """Loads templates from the folders of an application and its blueprints, which Flask itself searches."""

    def __init__(self, app: Flask) -> None:
        self.loader: Any = app.create_global_jinja_loader()

    def get_source(self, environment: Any, template: str) -> Any:
        """Return (source, file name, check for changes), as `BaseLoader.get_source`. Raises TemplateNotFound."""
        try:
            return self.loader.get_source(environment, template)
        except jinja2.TemplateNotFound as error:
            raise TemplateNotFound(template) from error

    def list_templates(self) -> list[str]:
        """Return the names of all templates, sorted."""
        return sorted(self.loader.list_templates())
