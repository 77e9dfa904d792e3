"""Starts programs that import Jinja2, so that tmplmon observes it or takes its place.

    python -m tmplmon.observe script.py …          python -m tmplmon.as_jinja2 script.py …
    python -m tmplmon.observe -m module …          python -m tmplmon.as_jinja2 -m module …

Rule: the environment variable TMPLMON_JINJA2 contains the name of the way. The processes that the program starts
inherit it. In each of them the file ``tmplmon.pth``, which is installed beside the package, imports this module if
the variable is set. So it also works for processes that are started by other programs, with the variable alone.
"""

import builtins
import importlib
import io
import os
import pkgutil
import runpy
import sys
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from types import ModuleType, TracebackType
from typing import Any, NoReturn

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
    """Run the program that the command line names, in this process. Exits with status 2 if it names none.

    Its module stays ``__main__`` until the process ends, as with Python itself: threads, functions of `atexit` and
    pickles find it. An error is reported without the frames of this launcher.
    """
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and (arguments[0] != "-m" or len(arguments) == 1)):
        _exit(way)
    install(way)
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    try:
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy._run_module_as_main(sys.argv[0])  # type: ignore[attr-defined]
        else:
            sys.argv = arguments
            _run_script(arguments[0], main)
    except BaseException as error:
        _hide_launcher(error)
        raise


def _run_script(script: str, main: ModuleType) -> None:
    """Run a file, or the ``__main__.py`` of a folder or zip archive. Exits with status 2 if it cannot be opened."""
    path = os.path.abspath(script)
    is_container = pkgutil.get_importer(path) is not None
    folder = path if is_container else os.path.dirname(os.path.realpath(script))
    if sys.flags.safe_path:
        if is_container:
            sys.path.insert(0, folder)
    else:
        sys.path[0] = folder
    if is_container:
        runpy._run_module_as_main("__main__", False)  # type: ignore[attr-defined]
        return
    try:
        with io.open_code(path) as file:
            code = pkgutil.read_code(file)
            file.seek(0)
            source = file.read()
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        sys.exit(2)
    loader: Any = SourcelessFileLoader if code is not None else SourceFileLoader
    if code is None:
        code = compile(source, path, "exec", dont_inherit=True)
    main.__dict__.update(__file__=path, __loader__=loader("__main__", path), __cached__=None)
    exec(code, main.__dict__)


def _hide_launcher(error: BaseException) -> None:
    """Let `sys.excepthook`, which the program may have replaced, get this error without the launcher's frames."""
    shown = error.__traceback__
    while shown is not None and shown.tb_frame.f_code.co_filename == __file__:
        shown = shown.tb_next
    hook = sys.excepthook

    def excepthook(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        if value is error:
            value.__traceback__ = traceback = shown
        hook(kind, value, traceback)

    sys.excepthook = excepthook


def _exit(way: str) -> NoReturn:
    print(_USAGE.format(module=WAYS[way]), file=sys.stderr)
    sys.exit(2)
