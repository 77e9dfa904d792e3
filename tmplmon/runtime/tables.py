"""The tables of filters, tests and globals of an environment: dicts that count their changes.

Templates are linked to the values in these tables. After a change, a template is linked again before it runs.
"""

from collections.abc import Callable
from typing import Any


class Table(dict[str, Any]):
    """Name → function or value. `changes` is a list of one integer, the number of changes; several tables share
    it."""

    __slots__ = ("changes",)

    def __init__(self, functions: dict[str, Any], changes: list[int]) -> None:
        super().__init__(functions)
        self.changes = changes

    def __reduce__(self) -> Any:
        return Table, (dict(self), list(self.changes))

    def copy(self) -> dict[str, Any]:
        return dict(self)


def _counted(name: str) -> Callable[..., Any]:
    """Return the method of `dict` of this name in a form that counts a change."""
    dict_method = getattr(dict, name)

    def method(self: Table, *args: Any, **kwargs: Any) -> Any:
        result = dict_method(self, *args, **kwargs)
        self.changes[0] += 1
        return result

    method.__name__ = name
    method.__doc__ = dict_method.__doc__
    return method


for _method in (
    "__setitem__", "__delitem__", "__ior__", "update", "setdefault", "pop", "popitem", "clear",
):  # fmt: skip
    setattr(Table, _method, _counted(_method))
