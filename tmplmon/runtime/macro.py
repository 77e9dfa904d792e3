"""Macros as values.

The code of a macro is a function `code(output, *slots)`, which appends its text to the list `output`. Its slots are
the declared parameters, followed by `caller`, `kwargs` and `varargs` if the macro uses them. `Macro` turns the
arguments of a call into these slots. If a back end knows at compile time how they correspond, it calls the function
directly.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tmplmon.runtime.context import EvalContext
from tmplmon.runtime.html import mark_text
from tmplmon.runtime.markers import pass_eval_context
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from tmplmon.environment import Environment


class Macro:
    """A macro, or the body of a call block.

    name: the macro's name; None for a call body.
    arguments: the names of the parameters.
    catch_kwargs, catch_varargs: whether it accepts further keyword arguments, further positional arguments.
    caller: whether it uses `caller`.
    """

    __slots__ = (
        "_code",
        "_environment",
        "_simple",
        "arguments",
        "caller",
        "catch_kwargs",
        "catch_varargs",
        "name",
    )

    def __init__(
        self,
        environment: "Environment",
        code: Callable[..., Any],
        name: str | None,
        arguments: tuple[str, ...],
        catch_kwargs: bool,
        catch_varargs: bool,
        caller: bool,
    ) -> None:
        self._environment = environment
        self._code = code
        self.name = name
        self.arguments = arguments
        self.catch_kwargs = catch_kwargs
        self.catch_varargs = catch_varargs
        self.caller = caller
        # A call with exactly this number of positional arguments and no others has the slots as its arguments.
        self._simple = -1 if caller or catch_kwargs or catch_varargs else len(arguments)

    @property
    def explicit_caller(self) -> bool:
        """Whether one of the parameters is called `caller`."""
        return "caller" in self.arguments

    @pass_eval_context
    def __call__(*args: Any, **kwargs: Any) -> Any:
        # No parameter has a name, because every name can be a keyword argument of the macro.
        self, *rest = args
        # A template passes its evaluation context first; an application passes only the macro's arguments.
        # (That of an application that uses Jinja2's nodes is of a class of the same name.)
        if rest and type(rest[0]).__name__ == EvalContext.__name__:
            return self.invoke(rest[0].autoescape, tuple(rest[1:]), kwargs)
        return self.invoke(self._environment._eval_context(None).autoescape, tuple(rest), kwargs)

    def invoke(self, autoescape: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the macro and return its text, as markup if `autoescape` is true. (In an asynchronous environment: an
        awaitable.) Raises TypeError for arguments that the macro does not accept."""
        environment = self._environment
        slots = args if not kwargs and len(args) == self._simple else self.bind(args, kwargs)
        if environment.is_async:
            return self._invoke_async(autoescape, slots)
        output: list[Any] = []
        self._code(output, *slots)
        text = environment.concat(output)
        return mark_text(text) if autoescape else text

    async def _invoke_async(self, autoescape: bool, slots: tuple[Any, ...]) -> Any:
        output: list[Any] = []
        await self._code(output, *slots)
        text = self._environment.concat(output)
        return mark_text(text) if autoescape else text

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values of the slots. Raises TypeError for arguments that the macro does not accept.

        The value of a parameter without an argument is `missing`; the macro's own code evaluates the default.
        """
        names = self.arguments
        count = len(names)
        slots = list(args[:count])
        has_caller = "caller" in names[: len(slots)]
        for name in names[len(slots) :]:
            if name == "caller":
                has_caller = True
                slots.append(kwargs.pop("caller", missing))
            else:
                slots.append(kwargs.pop(name, missing))
        if self.caller and not has_caller:
            caller = kwargs.pop("caller", None)
            if caller is None:
                caller = self._environment.undefined("No caller defined", name="caller")
            slots.append(caller)
        if self.catch_kwargs:
            slots.append(kwargs)
        elif kwargs:
            if "caller" in kwargs:
                raise TypeError(
                    f"macro {self.name!r} was invoked with two values for the special caller argument."
                    " This is most likely a bug."
                )
            raise TypeError(f"macro {self.name!r} takes no keyword argument {next(iter(kwargs))!r}")
        if self.catch_varargs:
            slots.append(args[count:])
        elif len(args) > count:
            raise TypeError(f"macro {self.name!r} takes not more than {count} argument(s)")
        return tuple(slots)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'anonymous' if self.name is None else repr(self.name)}>"
