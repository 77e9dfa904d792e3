"""The tables of filters, tests and globals: dicts that note when they are changed.

Templates are linked to what is in them, so a change makes templates link again before they run next.
"""

from collections.abc import Callable
from typing import Any


class Table(dict[str, Any]):
    """Name → function or value. `changes` is a list of one number, which counts up; several tables may share it."""

    __slots__ = ("changes",)

    def __init__(self, functions: dict[str, Any], changes: list[int]) -> None:
        super().__init__(functions)
        self.changes = changes

    def __reduce__(self) -> Any:
        return Table, (dict(self), list(self.changes))

    def copy(self) -> dict[str, Any]:
        return dict(self)


def _noting(method: str) -> Callable[..., Any]:
    plain = getattr(dict, method)

    def changed(self: Table, *args: Any, **kwargs: Any) -> Any:
        result = plain(self, *args, **kwargs)
        self.changes[0] += 1
        return result

    changed.__name__ = method
    changed.__doc__ = plain.__doc__
    return changed


for _method in (
    "__setitem__", "__delitem__", "__ior__", "update", "setdefault", "pop", "popitem", "clear",
):  # fmt: skip
    setattr(Table, _method, _noting(_method))
