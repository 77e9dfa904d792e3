"""Pages of Django with django-jinja, its extensions and filters, and the tag of django-compressor."""

import re
from pathlib import Path

import django
from django.conf import settings

Path("templates").mkdir()
Path("static/css").mkdir(parents=True)
Path("static/css/a.css").write_text("a { color: red; }\n")
Path("templates/base.jinja").write_text(
    "<title>{% block title %}{% endblock %}</title>{% block body %}{% endblock %}\n"
)
Path("templates/page.jinja").write_text(
    "{% extends 'base.jinja' %}\n{% block title %}{{ title|capfirst }}{% endblock %}\n{% block body %}\n"
    "{% compress css %}<link rel='stylesheet' href='/static/css/a.css' type='text/css'>{% endcompress %}\n"
    "{{ date|date('Y-m-d') }} {{ text|linebreaksbr }} {{ url('page') }} {{ static('css/a.css') }} {{ 3|floatformat(2) }}\n"
    "{% cache 60 'part' %}{{ title }}{% endcache %}{% csrf_token %}{% if request.user %}x{% endif %}\n"
    "{% with a=1 %}{{ _('Hello') }} {{ a|pluralize }}{% endwith %}{{ text|truncatewords(2) }}{% endblock %}\n"
)
settings.configure(
    SECRET_KEY="secret",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="__main__",
    STATIC_URL="/static/",
    STATIC_ROOT=str(Path("static").absolute()),
    COMPRESS_ENABLED=True,
    COMPRESS_ROOT=str(Path("static").absolute()),
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.staticfiles",
        "django_jinja",
        "compressor",
    ],
    STATICFILES_FINDERS=["compressor.finders.CompressorFinder"],
    TEMPLATES=[
        {
            "BACKEND": "django_jinja.jinja2.Jinja2",
            "DIRS": [str(Path("templates").absolute())],
            "APP_DIRS": False,
            "OPTIONS": {
                "match_extension": ".jinja",
                "extensions": [
                    *("jinja2.ext.do", "jinja2.ext.loopcontrols", "jinja2.ext.i18n"),
                    *(
                        "django_jinja.builtins.extensions.CsrfExtension",
                        "django_jinja.builtins.extensions.CacheExtension",
                    ),
                    *(
                        "django_jinja.builtins.extensions.UrlsExtension",
                        "django_jinja.builtins.extensions.StaticFilesExtension",
                    ),
                    *("django_jinja.builtins.extensions.DjangoFiltersExtension",),
                    "compressor.contrib.jinja2ext.CompressorExtension",
                ],
            },
        },
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
    ],
)
django.setup()
import datetime  # noqa: E402

from django.shortcuts import render  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402


def page(request):
    variables = {"title": "a <b>", "text": "one\ntwo three", "date": datetime.date(2020, 1, 2)}
    return render(request, "page.jinja", variables)


urlpatterns = [path("page/", page, name="page")]
for _ in range(2):
    page_text = Client().get("/page/").content.decode()
    print(re.sub("value='[^']*'", "value='TOKEN'", page_text))
