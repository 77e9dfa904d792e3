"""``python -m tmplmon.observe script.py`` and ``python -m tmplmon.observe -m module``."""

from tmplmon.starting import run

if __name__ == "__main__":
    run("observe")
