"""Templates with Wagtail's tags for Jinja2: images need a database, so these are its other tags and filters."""

from pathlib import Path

import django
from django.conf import settings

Path("templates").mkdir()
Path("templates/page.html").write_text(
    "{{ '<p>Rich <b>text</b></p>'|richtext }}\n{% for name in ['a', 'b'] %}\n  {{ name|upper }}{{ loop.index }}\n{% endfor %}\n"
    "{{ wagtail_version() if wagtail_version is defined }}{{ slugurl is defined }}{{ pageurl is defined }}\n"
    "{% include_block block %}{% if wagtailuserbar is defined %}{{ wagtailuserbar() }}{% endif %}\n"
)
settings.configure(
    SECRET_KEY="secret",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="__main__",
    STATIC_URL="/static/",
    WAGTAIL_SITE_NAME="Demo",
    WAGTAILADMIN_BASE_URL="https://example.org",
    INSTALLED_APPS=[
        *("django.contrib.contenttypes", "django.contrib.auth", "taggit"),
        *(
            "wagtail",
            "wagtail.images",
            "wagtail.documents",
            "wagtail.users",
            "wagtail.admin",
            "wagtail.search",
        ),
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "DIRS": [str(Path("templates").absolute())],
            "OPTIONS": {"extensions": ["wagtail.jinja2tags.core", "wagtail.images.jinja2tags.images"]},
        },
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
    ],
)
urlpatterns = []
django.setup()
from django.template.loader import render_to_string  # noqa: E402
from wagtail.blocks import CharBlock  # noqa: E402

block = CharBlock().bind("<text>") if hasattr(CharBlock, "bind") else "<text>"
print(render_to_string("page.html", {"block": block}))
