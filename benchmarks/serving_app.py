"""The application for `serving`; the environment variables FRAMEWORK, ENGINE and COVERAGE configure it."""

import os
from typing import Any

from templates_demo.library import with_flask
from templates_demo.library.__main__ import application as make
from tmplmon.tools.livecoverage import LiveCoverage

framework = os.environ.get("FRAMEWORK", "flask")
live = LiveCoverage() if os.environ.get("COVERAGE") else None
if live is not None:
    live.start()
if os.environ.get("ENGINE") == "jinja2":
    # Flask's own engine; everything else is the same.
    with_flask.Tmplmon = lambda app: None  # type: ignore[assignment, misc]

application: Any = make(framework, False, live)
