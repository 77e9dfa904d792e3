"""The variables of a context, in the form of a frame's ``f_locals``."""

from collections.abc import Iterator, MutableMapping
from typing import Any


class Variables(MutableMapping[str, Any]):
    """The variables of a context. A debugger's assignments change the context.

    Names such as ``__return__``, which debuggers store in frames, are kept apart from it, and the constants
    True, False and None, which each context contains, are left out.
    """

    __slots__ = ("_context", "_own")

    def __init__(self, context: Any) -> None:
        self._context = context
        self._own: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        return self._own[name] if name in self._own else self._context[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            self._own[name] = value
        else:
            self._context[name] = value

    def __delitem__(self, name: str) -> None:
        if name in self._own:
            del self._own[name]
        else:
            del self._context[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        return repr(dict(self))

    def _names(self) -> dict[str, None]:
        names = {name: None for layer in self._context.dicts for name in layer if isinstance(name, str)}
        for constant in ("True", "False", "None"):
            names.pop(constant, None)
        return names | dict.fromkeys(self._own)
