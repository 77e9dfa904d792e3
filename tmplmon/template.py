"""A compiled template: rendering, streaming, and its module.

Rule: a template has its functions in two forms. `code(context, output)` appends its output to a list; it is
created when the template is compiled. `generate_code(context)` is a generator; it is created on first use. Both
run the same program. In an asynchronous environment both are asynchronous.
"""

from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tmplmon.monitoring.lines import with_plain_newlines
from tmplmon.runtime.blocks import Block, BlockTable
from tmplmon.runtime.context import Context, EvalContext, TemplateContext, alone
from tmplmon.runtime.html import mark
from tmplmon.runtime.undefined import Undefined, missing
from tmplmon.stream import TemplateStream
from tmplmon.tracebacks import of_template, remember_lines

if TYPE_CHECKING:
    from tmplmon.backends.compiled import CompiledTemplate, LinkedTemplate
    from tmplmon.environment import Environment


class Template:
    """A compiled template.

    `Template(source, **options)` compiles a string. The options are those of `Environment`; all templates that are
    made with equal options share one environment. Raises TemplateSyntaxError, and what `Environment` raises.

    name: the name by which its loader knows the template; None for one from a string.
    filename: the path of its file; `<template>` if it has none.
    environment: the environment in which it was compiled.
    blocks: block name → the template's own block of that name.
    """

    environment_class: ClassVar["type[Environment]"]
    """The class of the environment for `Template(source)`. `tmplmon.environment` sets it, and a subclass may."""

    environment: "Environment"
    name: str | None
    filename: str
    blocks: dict[str, Block]

    code: Callable[..., Any]
    """The function of the template's body: `code(context, output)` appends the output to the list `output`."""

    pure: bool
    """Whether `code` takes a dict of variables as a third argument; see `backends.compiled.LinkedTemplate`."""

    _source: str
    _code: "CompiledTemplate"
    _file: str
    _functions: "LinkedTemplate"
    _uptodate: Callable[[], bool] | None
    _own_globals: MutableMapping[str, Any]
    _module: "TemplateModule | None"
    _imports: "dict[str, Template]"
    _table: BlockTable
    _changes: list[int]
    _linked: int
    _is_async: bool
    _eval_ctx: EvalContext
    _concat: Callable[[list[str]], str]
    _bare: Context | None
    _make_context: "Callable[[Template, dict[str, Any]], Context]"

    def __new__(cls, source: str, **options: Any) -> "Template":
        return cls.environment_class.shared_with(**options).from_string(source, template_class=cls)

    @classmethod
    def _make(
        cls,
        environment: "Environment",
        source: str,
        code: "CompiledTemplate",
        name: str | None,
        filename: str | None,
        globals: MutableMapping[str, Any] | None,
        uptodate: Callable[[], bool] | None,
    ) -> Self:
        """Create a template. `code` is the result of `environment._compile_source` for `source`."""
        self = object.__new__(cls)
        self.environment = environment
        self.name = name
        self.filename = "<template>" if filename is None else filename
        self._source = source
        self._code = code
        self._file = code.file
        self._uptodate = uptodate
        self._own_globals = globals if globals is not None else {}
        self._module = None
        self._imports = {}
        self._make_blocks()
        self._link()
        if filename is None:
            remember_lines(self, self._file, source)
        return self

    def _with_globals(self, globals: Mapping[str, Any]) -> Self:
        """Return a copy of the template that has further globals."""
        template = object.__new__(type(self))
        template.__dict__.update(self.__dict__)
        template._own_globals = {**self._own_globals, **globals}
        template._module = None
        template._imports = {}
        template._make_blocks()
        template._link()
        return template

    # --- linking -------------------------------------------------------------------------------------------

    def _make_blocks(self) -> None:
        code = self._code
        self.blocks = {name: Block(name, self, _unlinked, name in code.required) for name in code.blocks}
        self._table = BlockTable({name: (block,) for name, block in self.blocks.items()})

    def _link(self) -> None:
        """Create the functions, with the filters, tests and globals that the environment has now."""
        environment = self.environment
        self._changes = environment._changes
        self._linked = self._changes[0]
        self._is_async = environment.is_async
        self._eval_ctx = environment._eval_context(self.name)
        self._concat = environment.concat
        custom = environment.context_class is not Context
        self._make_context = _custom_context if custom else TemplateContext
        self._functions = self._code.linked(self)
        self.pure = self._functions.pure
        # The names for such a template are passed as an argument, so that all renderings share one context.
        self._bare = TemplateContext(self, {}) if self.pure and not custom else None
        self.code = self._functions.code(None)
        for name, block in self.blocks.items():
            block.code = self._functions.code(name)

    def get_source(self, _name: str) -> str:
        """Return the source for Python's tools, which ask the `__loader__` of a function. The template is its own.

        They split it with `str.splitlines`, so it is in the form in which that finds the template's lines.
        """
        return with_plain_newlines(self._source)

    def _generating(self, block: str | None) -> Callable[..., Any]:
        """Return the generator function of the template (None) or of a block."""
        return self._functions.generating(block)

    @property
    def generate_code(self) -> Callable[..., Any]:
        """The generator function of the template's body: `generate_code(context)` yields the output."""
        return self._generating(None)

    root_render_func = generate_code

    # --- contexts ------------------------------------------------------------------------------------------

    @property
    def globals(self) -> MutableMapping[str, Any]:
        """The names and values that the template has in every rendering: its own, then the environment's. Names
        that are added to this mapping are the template's own."""
        return ChainMap(self._own_globals, self.environment.globals)

    def new_context(
        self,
        vars: Mapping[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> Context:
        """Create a context for `code`.

        vars: names and values.
        shared: use `vars` as they are; otherwise the template's globals are added.
        locals: names and values that precede those in `vars`. A value that is `missing` does not count.
        """
        names = dict(vars or {}) if shared else {**self._own_globals, **(vars or {})}
        if locals:
            names.update({name: value for name, value in locals.items() if value is not missing})
        context = self._context(names)
        return alone(context, names) if shared else context

    def _context(self, names: dict[str, Any]) -> Context:
        return self._make_context(self, names)

    # --- rendering -----------------------------------------------------------------------------------------

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Return the output of the template.

        args, kwargs: names and values for the template, as arguments of `dict`.

        Raises what the template raises: among others UndefinedError, TemplateNotFound and TemplateRuntimeError.
        The traceback has the template's frames and not the engine's. In an asynchronous environment, raises
        RuntimeError if an event loop is running.
        """
        if self._changes[0] != self._linked:
            self._link()
        if self._is_async:
            import asyncio

            _check_may_block("render_async")
            return asyncio.run(self.render_async(*args, **kwargs))
        names = kwargs
        if args or self._own_globals:
            names = {**self._own_globals, **dict(*args, **kwargs)}
        output: list[str] = []
        bare = self._bare
        try:
            if bare is not None:
                self.code(bare, output, names)
            else:
                self.code(self._make_context(self, names), output)
            return self._concat(output)
        except Exception as error:
            raise of_template(error) from error.__cause__

    async def render_async(self, *args: Any, **kwargs: Any) -> str:
        """`render` as a coroutine, which awaits what the template calls. Raises RuntimeError without
        `enable_async`."""
        self._check_async("The environment was not created with async mode enabled.")
        context = self.new_context(dict(*args, **kwargs))
        output: list[str] = []
        try:
            await self.code(context, output)
            return self._concat(output)
        except Exception as error:
            raise of_template(error) from error.__cause__

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """Yield the output in chunks, each as soon as it is complete. Arguments and errors are those of
        `render`."""
        if self.environment.is_async:
            yield from _drained(self.generate_async(*args, **kwargs))
            return
        try:
            chunks = self.generate_code(self._checked().new_context(dict(*args, **kwargs)))
            if self.environment.source_map:
                from tmplmon.runtime.origins import streamed

                chunks = streamed(chunks)
            yield from chunks
        except Exception as error:
            raise of_template(error) from error.__cause__

    async def generate_async(self, *args: Any, **kwargs: Any) -> AsyncIterator[str]:
        """`generate` as an asynchronous generator. Raises RuntimeError without `enable_async`."""
        self._check_async("The environment was not created with async mode enabled.")
        try:
            chunks = self.generate_code(self.new_context(dict(*args, **kwargs)))
            if self.environment.source_map:
                from tmplmon.runtime.origins import astreamed

                chunks = astreamed(chunks)
            try:
                async for chunk in chunks:
                    yield chunk
            finally:
                await chunks.aclose()  # pyright: ignore[reportAttributeAccessIssue]
        except Exception as error:
            raise of_template(error) from error.__cause__

    def stream(self, *args: Any, **kwargs: Any) -> "TemplateStream":
        """Return the chunks of `generate` as a stream, which can be buffered and written to a file."""
        chunks = self.generate(*args, **kwargs)
        if self.environment.source_map:
            from tmplmon.runtime.origins import join

            return TemplateStream(chunks, join)
        return TemplateStream(chunks)

    def _checked(self) -> Self:
        if self._linked != self.environment._changes[0]:
            self._link()
        return self

    def _check_async(self, message: str) -> None:
        if not self.environment.is_async:
            raise RuntimeError(message)
        self._checked()

    # --- modules -------------------------------------------------------------------------------------------

    def make_module(
        self,
        vars: Mapping[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> "TemplateModule":
        """Run the template and return its exported names as a module. The arguments are those of `new_context`, the
        errors those of `render`."""
        context = self._checked().new_context(vars, shared, locals)
        output: list[Any] = []
        if self.environment.is_async:
            import asyncio

            _check_may_block("make_module_async")
            asyncio.run(self.code(context, output))
        else:
            self.code(context, output)
        return TemplateModule(self, context, output)

    async def make_module_async(
        self,
        vars: Mapping[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> "TemplateModule":
        """`make_module` as a coroutine."""
        context = self._checked().new_context(vars, shared, locals)
        output: list[Any] = []
        await self.code(context, output)
        return TemplateModule(self, context, output)

    @property
    def module(self) -> "TemplateModule":
        """The module of the template, which is run once with its globals only. It is run again if a template
        that it imports has changed. Raises RuntimeError in an asynchronous environment."""
        return self._default_module()

    def _foreign_globals(self, context: Context | None) -> dict[str, Any] | None:
        """Return the globals with which a context was created and that this template does not have."""
        if context is None or not context.globals_keys or context.globals_keys is self._own_globals:
            return None
        foreign = context.globals_keys.keys() - self._own_globals.keys() - self.environment.globals.keys()
        return {name: context.parent[name] for name in foreign} or None

    def _default_module(self, context: Context | None = None) -> "TemplateModule":
        if self.environment.is_async:
            raise RuntimeError("Module is not available in async mode.")
        foreign = self._foreign_globals(context)
        if foreign:
            return self.make_module(foreign)
        if self._module is None or not self._imports_are_current():
            self._imports.clear()
            self._module = self.make_module()
        return self._module

    async def _default_module_async(self, context: Context | None = None) -> "TemplateModule":
        foreign = self._foreign_globals(context)
        if foreign:
            return await self.make_module_async(foreign)
        if self._module is None or not self._imports_are_current():
            self._imports.clear()
            self._module = await self.make_module_async()
        return self._module

    def _imports_are_current(self) -> bool:
        """Whether the templates that this one has imported, directly or through others, are current. If one has
        changed, the cached module must be made again, because it has what it imported."""
        if not self._imports:
            return True
        worklist: list[Template] = [self]
        seen: set[Template] = {self}
        while worklist:
            importing = worklist.pop()
            for name, imported in list(importing._imports.items()):
                try:
                    current = importing.environment._load_template(name, None)
                except Exception:
                    return False  # Making the module again raises it where the template is imported.
                if current is not imported:
                    return False
                if current not in seen:
                    seen.add(current)
                    worklist.append(current)
        return True

    # --- about the source ----------------------------------------------------------------------------------

    @property
    def is_up_to_date(self) -> bool:
        """Whether the source has not changed since the template was loaded."""
        return self._uptodate is None or self._uptodate()

    def get_corresponding_lineno(self, lineno: int) -> int:
        """Return `lineno`: compiled code has the line numbers of the template."""
        return lineno

    @property
    def debug_info(self) -> list[tuple[int, int]]:
        """(template line, line of the compiled code) of each line that has code, from 1. The two are equal."""
        return [(line, line) for line in sorted(self._code.lines())]

    def __repr__(self) -> str:
        name = f"memory:{id(self):x}" if self.name is None else repr(self.name)
        return f"<{type(self).__name__} {name}>"


def _custom_context(template: Template, names: dict[str, Any]) -> Context:
    """Create a context of the environment's `context_class`."""
    environment = template.environment
    names = {**environment.globals, **names}
    context = environment.context_class(
        environment, names, template.name, template._table, template._own_globals
    )
    context._origin = template
    return context


def _unlinked(*_: Any) -> None:
    raise AssertionError("a block runs before its template is linked")


def _check_may_block(alternative: str) -> None:
    """Raise RuntimeError if an event loop is running in this thread, which then cannot run another one.

    alternative: the method to use in an event loop, for the message.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"an event loop is running: use `{alternative}`, as the environment was created with enable_async"
    )


def _drained[T](chunks: AsyncIterator[T]) -> Iterator[T]:
    """Yield the items of an asynchronous iterator, which runs in an event loop of its own."""
    import asyncio

    _check_may_block("generate_async")
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(chunks.__anext__())
            except StopAsyncIteration:
                return
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class TemplateModule:
    """An imported template: its exported names are attributes, `str(module)` is its output."""

    __slots__ = ("__dict__", "__name__", "_body_stream")

    def __init__(self, template: Template, context: Context, output: list[Any]) -> None:
        self._body_stream = output
        self.__dict__.update(context.get_exported())
        self.__name__ = template.name

    def __html__(self) -> str:
        return mark("".join(self._body_stream))

    def __str__(self) -> str:
        return "".join(self._body_stream)

    def __repr__(self) -> str:
        name = f"memory:{id(self):x}" if self.__name__ is None else repr(self.__name__)
        return f"<{type(self).__name__} {name}>"


class TemplateExpression:
    """A compiled expression. Call it with names and values, like `Template.render`, to get the expression's value.

    undefined_to_none: return None in place of an undefined value.
    """

    def __init__(self, template: Template, undefined_to_none: bool) -> None:
        self._template = template
        self._undefined_to_none = undefined_to_none

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        context = self._template._checked().new_context(dict(*args, **kwargs))
        value = self._template.code(context)
        return None if self._undefined_to_none and isinstance(value, Undefined) else value
