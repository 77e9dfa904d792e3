"""Classes that only have fields: like a `dataclass` with slots, but created in a tenth of the time.

The passes have about ninety such classes, and a process that compiles a template defines all of them. With
`dataclasses`, which imports `inspect`, this took longer than compiling a page. Here a class takes one short `exec`.
Instances are mutable and compared by identity; `cls.__match_args__` has the names of the fields.
"""

from collections.abc import Callable
from typing import Any, dataclass_transform


class _Fresh:
    """A default that is created for each instance."""

    __slots__ = ("factory",)

    def __init__(self, factory: Callable[[], Any]) -> None:
        self.factory = factory


def fresh(*, factory: Callable[[], Any]) -> Any:
    """Return a default for a field: each instance without a value calls `factory`."""
    return _Fresh(factory)


@dataclass_transform(eq_default=False, field_specifiers=(fresh,))
def record[C](cls: type[C]) -> type[C]:
    """Class decorator: return a class with slots for the annotated fields, `__init__` and `__repr__`. The fields of
    the base class come first."""
    own = tuple(cls.__annotations__)
    inherited: tuple[str, ...] = getattr(cls, "__match_args__", ())
    fields = (*inherited, *own)
    members = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    names: dict[str, Any] = {}
    parameters, body = ["self"], ["pass"]
    for name in fields:
        value = name
        if name in members:
            default = members.pop(name)
            if type(default) is _Fresh:
                names[f"_make_{name}"] = default.factory
                value = f"_make_{name}() if {name} is _unset else {name}"
                default = _unset
            names[f"_default_{name}"] = default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        body.append(f"self.{name} = {value}")
    names["_unset"] = _unset
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), names)
    members["__init__"] = names["__init__"]
    members["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
    members.setdefault("__repr__", _repr)
    members["__slots__"] = own
    members["__match_args__"] = fields
    return type(cls)(cls.__name__, cls.__bases__, members)  # type: ignore[misc,no-any-return]


_unset = object()


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({shown})"
