"""Compares the lines of the cases with those of django_coverage_plugin: ``python -m tests.django_native.compare``.

It needs django_coverage_plugin, and the core `ctrace`. Prints for each template the lines that only one of the two
counts, or reports as missing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import coverage
import django
from django.conf import settings
from django.template import Context, Engine

from tests.django_native.cases import CASES

LIBRARIES = {"tried": "tests.django_native.tags", "i18n": "django.templatetags.i18n"}


def main() -> None:
    templates: Any = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"debug": True},
    }
    settings.configure(USE_TZ=True, TEMPLATES=[templates])
    django.setup()
    equal = 0
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            for file, text in case.files.items():
                (folder / file).write_text(text)
            engine = Engine(dirs=[name], libraries=LIBRARIES, debug=True)
            counter = coverage.Coverage(data_file=None, config_file=False, source=[name])
            counter.set_option("run:plugins", ["django_coverage_plugin"])
            counter.set_option("run:core", "ctrace")
            with counter.collect():
                for context in case.contexts:
                    engine.get_template("page.html").render(Context(context))
            for file, expected in case.numbers.items():
                _, lines, excluded, missing, _ = counter.analysis2(str(folder / file))
                ours = expected.lines | expected.excluded, expected.missing
                theirs = {*lines, *excluded}, set(missing)
                if (set(ours[0]), set(ours[1])) == theirs:
                    equal += 1
                    continue
                differences = [
                    f"{what} only {who}: {sorted(only)}"
                    for what, mine, other in zip(("counted", "missing"), ours, theirs, strict=True)
                    for who, only in (("here", mine - other), ("there", other - mine))
                    if only
                ]
                print(f"{case.name}, {file}: {'; '.join(differences)}")
    print(f"{equal} templates are equal")


if __name__ == "__main__":
    main()
