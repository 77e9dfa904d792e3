"""``python -m tmplmon.as_jinja2 script.py`` and ``python -m tmplmon.as_jinja2 -m module``."""

from tmplmon.starting import run

if __name__ == "__main__":
    run("as_jinja2")
