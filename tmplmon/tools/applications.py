"""Finds the environment of an application by its import path.

Rule: an exception that the application's own code raises is its cause, and never looks like a wrong import path.
"""

import importlib
import os
import sys
import traceback
from types import ModuleType
from typing import Any

_HERE = os.path.dirname(os.path.dirname(__file__)) + os.sep


def import_environment(place: str) -> Any:
    """Import an environment.

    place: ``module:name``, relative to the current directory or on `sys.path`. The name is that of an
        environment, of an object with an environment as its attribute `jinja_env` (Flask) or `env` (Starlette's
        templates), or of a function that returns an environment.

    Raises ImportError if there is no such object, TypeError if it is not an environment, and ImportError with the
    exception as its cause if code of the application raises one: the message then ends with the traceback in the
    application's files.
    """
    module_name, _, name = place.partition(":")
    if not module_name:
        raise ImportError(f"no module is named: the form is module:name, not {place!r}")
    directory = os.getcwd()
    sys.path.insert(0, directory)
    try:
        value: Any = _import(module_name)
        for attribute in filter(None, name.split(".")):
            value = _attribute(value, attribute)
        value = getattr(value, "jinja_env", None) or getattr(value, "env", None) or value
        if not hasattr(value, "syntax") and callable(value):
            try:
                value = value()
            except (Exception, SystemExit) as error:
                raise _failed(f"calling {name}", error) from error
    finally:
        if directory in sys.path:
            sys.path.remove(directory)
    if not hasattr(value, "syntax"):
        hint = "" if name else f"; name one in it, as in {module_name}:environment"
        raise TypeError(f"{value!r} is not an environment{hint}")
    return value


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise ImportError(f"No module named {error.name!r} in {os.getcwd()} or on sys.path") from None
        raise _failed(f"importing {name}", error) from error
    except (Exception, SystemExit) as error:
        raise _failed(f"importing {name}", error) from error


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name)
    except Exception as error:
        if isinstance(error, AttributeError) and (
            error.__traceback__ is None or not error.__traceback__.tb_next
        ):
            raise ImportError(str(error)) from None
        raise _failed(f"reading {name}", error) from error


def _failed(what: str, error: BaseException) -> ImportError:
    """The error for an exception of the application, with its traceback without the frames of this package and of
    `importlib`."""
    lines = [f"{what} fails:"]
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_HERE) and "importlib" not in frame.filename
    ]
    lines += traceback.format_list(frames)
    lines += traceback.format_exception_only(error)
    return ImportError("\n".join(line.rstrip("\n") for line in lines))
