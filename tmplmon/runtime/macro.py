"""Macros as values.

A macro's code is a function `code(output, *slots)`: it appends its text to the list `output`, and its slots
are the declared parameters, then `caller`, `kwargs` and `varargs` where the macro uses them. `Macro` turns the
arguments of a call into those slots; a call the back end can settle itself goes to the function directly.
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
    """A macro, or the body of a call block, that can be called.

    name: its name, None for a call body's.
    arguments: names of its parameters.
    catch_kwargs, catch_varargs, caller: whether it takes any keyword argument, any positional one, a caller.
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
        # With this many positional arguments and no other, the arguments are the slots.
        self._simple = -1 if caller or catch_kwargs or catch_varargs else len(arguments)

    @pass_eval_context
    def __call__(*args: Any, **kwargs: Any) -> Any:
        # No parameter has a name here: every name can be a keyword argument of the macro.
        self, *rest = args
        # A template passes its evaluation context; an application calls with the macro's own arguments.
        if rest and type(rest[0]) is EvalContext:
            return self.invoke(rest[0].autoescape, tuple(rest[1:]), kwargs)
        return self.invoke(self._environment._eval_context(None).autoescape, tuple(rest), kwargs)

    def invoke(self, autoescape: bool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the macro; its text is markup if `autoescape`."""
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
        """The values of the slots. Raises TypeError for arguments the macro does not take.

        A parameter that was not given is `missing`: its default is evaluated by the macro's own code.
        """
        names = self.arguments
        count = len(names)
        slots = list(args[:count])
        caller_given = "caller" in names[: len(slots)]
        for name in names[len(slots) :]:
            if name == "caller":
                caller_given = True
                slots.append(kwargs.pop("caller", missing))
            else:
                slots.append(kwargs.pop(name, missing))
        if self.caller and not caller_given:
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
