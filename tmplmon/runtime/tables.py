"""The tables of filters, tests and globals of an environment.

Templates are linked to the values in these tables. After a change, a template is linked again before it runs. An
environment's own tables are dicts that count their changes. A mapping of the application, which cannot do that, is
watched: before each rendering, the names that templates have looked up in it are looked up again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_absent = object()


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


class WatchedTable:
    """A mapping of the application in place of a table. It is never iterated over, as it may load its values when
    they are looked up.

    mapping: the mapping.
    """

    __slots__ = ("_look_up", "_seen", "mapping")

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self.mapping = mapping
        self._seen: dict[str, Any] = {}  # name → its value at the last look-up, or `_absent`
        # `get` of a dict takes a quarter of the time. Of other classes, it may not load what `[name]` loads.
        self._look_up = mapping.get if type(mapping) is dict else _subscription(mapping)

    def get(self, name: str, default: Any = None) -> Any:
        value = self._seen[name] = self._look_up(name, _absent)
        return default if value is _absent else value

    def __getitem__(self, name: str) -> Any:
        value = self.get(name, _absent)
        if value is _absent:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name, _absent) is not _absent

    def has_changed(self) -> bool:
        """Whether a name that was looked up has another value now. The names are then forgotten."""
        for name, value in tuple(self._seen.items()):
            if self._look_up(name, _absent) is not value:
                self._seen = {}
                return True
        return False


def _subscription(mapping: Mapping[str, Any]) -> Callable[[str, Any], Any]:
    def look_up(name: str, default: Any) -> Any:
        try:
            return mapping[name]
        except KeyError:
            return default

    return look_up


class WatchingChanges(list[int]):
    """The number of changes to the tables of an environment that has watched tables: reading it looks for changes
    of them. It is a list of one integer, as that of an environment without.

    counted: the number of changes to the other tables. tables: the watched tables.
    """

    def __init__(self, counted: list[int], tables: dict[str, WatchedTable]) -> None:
        super().__init__(counted)
        self.counted = counted
        self.tables = tables

    def __getitem__(self, index: Any) -> Any:
        for table in self.tables.values():
            if table.has_changed():
                self.counted[0] += 1
        return self.counted[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self.counted[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.counted)
