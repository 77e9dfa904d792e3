"""Finds the environment of an application by its import path."""

import importlib
import os
import sys
from typing import Any


def import_environment(place: str) -> Any:
    """Import an environment.

    place: ``module:name``, relative to the current directory or on `sys.path`. The name is that of an
    environment, of
        an object with an environment as its attribute `jinja_env` (Flask) or `env` (Starlette's templates), or of a
        function that returns an environment.

    Raises ImportError or AttributeError if there is no such object, and TypeError if it is not an environment.
    """
    module, _, name = place.partition(":")
    directory = os.getcwd()
    sys.path.insert(0, directory)
    try:
        value: Any = importlib.import_module(module)
        for attribute in filter(None, name.split(".")):
            value = getattr(value, attribute)
        value = getattr(value, "jinja_env", None) or getattr(value, "env", None) or value
        if not hasattr(value, "syntax") and callable(value):
            value = value()
    finally:
        if directory in sys.path:
            sys.path.remove(directory)
    if not hasattr(value, "syntax"):
        raise TypeError(f"{value!r} is not an environment")
    return value
