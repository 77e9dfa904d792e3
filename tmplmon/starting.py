"""Starts programs that import Jinja2, so that tmplmon observes it or takes its place.

    python -m tmplmon.observe script.py …          python -m tmplmon.as_jinja2 script.py …
    python -m tmplmon.observe -m module …          python -m tmplmon.as_jinja2 -m module …

Rule: the environment variable TMPLMON_JINJA2 contains the name of the way. The processes that the program starts
inherit it. In each of them the file ``tmplmon.pth``, which is installed beside the package, imports this module if
the variable is set. So it also works for processes that are started by other programs, with the variable alone.
"""

import importlib
import os
import runpy
import sys
from typing import NoReturn

VARIABLE = "TMPLMON_JINJA2"
# Way → the module whose function `install` prepares this process for it.
WAYS = {"observe": "tmplmon.observe", "as_jinja2": "tmplmon.as_jinja2"}

_USAGE = "usage: python -m {module} [script.py | -m module] …"


def install(way: str) -> None:
    """Prepare this process, and those that it starts. Raises ValueError if there is no such way."""
    if way not in WAYS:
        raise ValueError(f"{VARIABLE}={way!r} is not one of {', '.join(WAYS)}")
    os.environ[VARIABLE] = way
    importlib.import_module(WAYS[way]).install()


def install_from_variable() -> None:
    """Prepare this process as the environment variable says. An error is printed, as this runs at every start."""
    try:
        install(os.environ[VARIABLE])
    except Exception as error:
        print(f"tmplmon: {type(error).__name__}: {error}", file=sys.stderr)


def run(way: str) -> None:
    """Run the program that the command line names, in this process. Exits with status 2 if it names none."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and (arguments[0] != "-m" or len(arguments) == 1)):
        _exit(way)
    install(way)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        if os.path.isfile(arguments[0]):
            sys.path[0] = os.path.dirname(os.path.realpath(arguments[0]))
        runpy.run_path(os.path.abspath(arguments[0]), run_name="__main__")


def _exit(way: str) -> NoReturn:
    print(_USAGE.format(module=WAYS[way]), file=sys.stderr)
    sys.exit(2)
