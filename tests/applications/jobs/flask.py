"""An application with the tags and templates of Flask-Caching, Flask-Assets, Flask-Babel and Flask-Admin."""

from pathlib import Path

from flask import Flask, render_template, render_template_string
from flask_admin import Admin, BaseView, expose
from flask_assets import Environment
from flask_babel import Babel
from flask_caching import Cache

Path("templates").mkdir()
Path("static").mkdir()
Path("static/a.css").write_text("a { color: red; }\n")
Path("static/b.css").write_text("b { color: blue; }\n")
Path("templates/base.html").write_text(
    "<title>{% block title %}{% endblock %}</title>\n{% block body %}{% endblock %}\n"
)
Path("templates/page.html").write_text(
    "{% extends 'base.html' %}\n{% block title %}{{ title|upper }}{% endblock %}\n{% block body %}\n"
    "{% assets filters='cssmin', output='all.css', 'a.css', 'b.css' %}<link href='{{ ASSET_URL|replace('?', '!') }}'>"
    "{% endassets %}\n{% cache 60, 'key' %}{{ count() }}{% endcache %}{% cache 60, 'key' %}{{ count() }}{% endcache %}\n"
    "{{ _('Hello %(name)s', name='<b>') }} {{ 1234567.5|numberformat }} {% trans n=2 %}one{% pluralize %}{{ n }} items"
    "{% endtrans %}\n{{ url_for('page') }} {{ request.path }} {{ config.DEBUG }}{% endblock %}\n"
)
application = Flask("application", root_path=str(Path.cwd()))
application.secret_key = "secret"
application.config |= {"CACHE_TYPE": "SimpleCache", "BABEL_DEFAULT_LOCALE": "de"}
Cache(application)
Babel(application)
assets = Environment(application)
assets.url_expire = False
numbers = iter(range(100))
application.jinja_env.globals["count"] = lambda: next(numbers)


class Report(BaseView):
    @expose("/")
    def index(self):
        return self.render("admin/index.html")


admin = Admin(application, name="Demo")
admin.add_view(Report(name="Report", endpoint="report"))


@application.route("/")
def page():
    return render_template("page.html", title="a & b")


@application.route("/string")
def string():
    return render_template_string(
        "{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}{{ m('&') }}{{ g.user|default('none') }}"
    )


client = application.test_client()
for address in ("/", "/", "/string", "/admin/", "/admin/report/"):
    answer = client.get(address)
    print(address, answer.status_code, answer.get_data(as_text=True))
