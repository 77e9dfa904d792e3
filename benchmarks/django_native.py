"""The cost of observing Django's own templates: the change list of its admin, rendered in this process.

    python -m benchmarks.django_native [--rounds N]

Prints the processor time of one rendering: with Django alone, with `native.install()` and no tool, and under
coverage.py's cores (from the third rendering on). Each figure comes from processes of its own, which take
turns with the others. The time is the least of all rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODES = ("Django alone", "observed", "sysmon, Django alone", "sysmon, observed", "ctrace, observed")
ROWS = 100


def rendering() -> Any:
    """Return a function that renders the change list of a table with `ROWS` rows."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="of a benchmark",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        STATIC_URL="/static/",
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            *("django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"),
            *("django.contrib.sessions", "django.contrib.messages"),
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    )
    django.setup()
    from django.contrib import admin
    from django.contrib.auth.models import Group, User
    from django.contrib.messages.storage.cookie import CookieStorage
    from django.core.management import call_command
    from django.test import RequestFactory
    from django.urls import path

    admin.autodiscover()
    globals()["urlpatterns"] = [path("admin/", admin.site.urls)]
    call_command("migrate", verbosity=0)
    Group.objects.bulk_create(Group(name=f"group {number}") for number in range(ROWS))
    request: Any = RequestFactory().get("/admin/auth/group/")
    request.user = User.objects.create_superuser("ann")
    request._messages = CookieStorage(request)
    model_admin = admin.site._registry[Group]

    def render() -> None:
        response: Any = model_admin.changelist_view(request)
        response.render()

    return render


def measured(mode: str, rounds: int) -> float:
    """Seconds of one rendering in this process."""
    core, _, engine = mode.rpartition(", ")
    counter = None
    if core:
        import coverage

        counter = coverage.Coverage(
            data_file=None,
            config_file=False,
            branch=sys.version_info >= (3, 14),  # sysmon measures branches from then on
            include=["*/admin/templates/*"],
        )
        counter.set_option("run:core", core)
        if engine == "observed":
            counter.set_option("run:plugins", ["tmplmon"])
            counter.set_option("tmplmon:django", "true")
        counter.start()
    elif engine == "observed":
        from tmplmon.integrations.django import native

        native.install()
    render = rendering()
    for _ in range(3):
        render()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        render()
        times.append(time.process_time() - start)
    if counter is not None:
        counter.stop()
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30, help="renderings of each process")
    parser.add_argument("--turns", type=int, default=3, help="processes for each figure")
    parser.add_argument("--mode", choices=MODES, help="measure one mode in this process")
    arguments = parser.parse_args()
    if arguments.mode:
        print(measured(arguments.mode, arguments.rounds))
        return
    best = dict.fromkeys(MODES, float("inf"))
    for _ in range(arguments.turns):
        for mode in MODES:
            command = [sys.executable, "-m", "benchmarks.django_native", "--mode", mode]
            command += ["--rounds", str(arguments.rounds)]
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
            best[mode] = min(best[mode], float(done.stdout.split()[-1]))
    alone = best["Django alone"]
    for mode, seconds in best.items():
        print(f"{mode:24} {1000 * seconds:7.2f} ms  {seconds / alone:5.2f} times Django alone")


if __name__ == "__main__":
    main()
