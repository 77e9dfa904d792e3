"""`str.format` for sandboxed templates: the fields of a format are looked up as a template looks attributes up.

'{0.name}'.format(user)       user.name, by the environment's rules
"""

from _string import formatter_field_name_split  # type: ignore[import-not-found]
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from markupsafe import EscapeFormatter


class SandboxedFormatter(Formatter):
    """A formatter whose fields are looked up by an environment."""

    def __init__(self, env: Any, **kwargs: Any) -> None:
        self._env = env
        super().__init__(**kwargs)

    def get_field(
        self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, int | str]:
        first, rest = formatter_field_name_split(field_name)
        obj = self.get_value(first, args, kwargs)
        for is_attribute, name in rest:
            obj = self._env.getattr(obj, name) if is_attribute else self._env.getitem(obj, name)
        return obj, first


class SandboxedEscapeFormatter(SandboxedFormatter, EscapeFormatter):
    """The same for Markup, which escapes what is put into it."""
