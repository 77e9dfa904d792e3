"""A compiled template: rendering it, streaming it, and its module.

Rule: a template has its functions in two forms. `code(context, output)` appends its output to a list, and is
made when the template is compiled; `generate_code(context)` is a generator, and is made when it is first asked
for. Both run the same program. In an asynchronous environment both are asynchronous.
"""

from collections import ChainMap
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from typing import IO, TYPE_CHECKING, Any, ClassVar, Self

from tmplmon.monitoring.lines import with_plain_newlines
from tmplmon.runtime.blocks import Block, BlockTable
from tmplmon.runtime.context import Context, EvalContext, TemplateContext, alone
from tmplmon.runtime.html import mark
from tmplmon.runtime.undefined import Undefined, missing
from tmplmon.tracebacks import of_template, remember_lines

if TYPE_CHECKING:
    from tmplmon.backends.compiled import CompiledTemplate, LinkedTemplate
    from tmplmon.environment import Environment


class Template:
    """A compiled template. `Template(source, **options)` makes one of a string, in an environment with the
    options that is shared by all templates made so.

    name: the name its loader knows it by, None for a string's.
    filename: its file, `<template>` if it has none.
    environment: the environment it was compiled in.
    """

    environment_class: ClassVar["type[Environment]"]
    """The class of the environment for `Template(source)`. `tmplmon.environment` sets it, and a subclass may."""

    environment: "Environment"
    name: str | None
    filename: str
    blocks: dict[str, Block]

    code: Callable[..., Any]
    """The template's body: appends its output for a context to a list."""

    pure: bool
    """Whether `code` may be passed an including template's context and a dict of variables; see `backends.code`."""

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
        """`code` is what `environment._compile` makes of `source`."""
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
        """The same template with further names of its own, for one who asks for it with them."""
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
        """Make the functions of the code, with the filters and tests that the environment has now."""
        environment = self.environment
        self._changes = environment._changes
        self._linked = self._changes[0]
        self._is_async = environment.is_async
        self._eval_ctx = environment._eval_context(self.name)
        self._concat = environment.concat
        custom = environment.context_class is not Context
        self._make_context = _context_of_its_class if custom else TemplateContext
        self._functions = self._code.linked(self)
        self.pure = self._functions.pure
        # Such a template's names can be passed without making a context for each rendering.
        self._bare = TemplateContext(self, {}) if self.pure and not custom else None
        self.code = self._functions.code(None)
        for name, block in self.blocks.items():
            block.code = self._functions.code(name)

    def get_source(self, _name: str) -> str:
        """The source as Python's tools need it, which ask the `__loader__` of a function; the template is that.

        They split it with `str.splitlines`, so it is in the form in which that finds the template's lines.
        """
        return with_plain_newlines(self._source)

    def _generating(self, block: str | None) -> Callable[..., Any]:
        """The generator function of the template (None) or of a block."""
        return self._functions.generating(block)

    @property
    def generate_code(self) -> Callable[..., Any]:
        """The template's body as a generator function of a context."""
        return self._generating(None)

    root_render_func = generate_code

    # --- contexts ------------------------------------------------------------------------------------------

    @property
    def globals(self) -> MutableMapping[str, Any]:
        """The names the template knows without being given them; what is added here is its own."""
        return ChainMap(self._own_globals, self.environment.globals)

    def new_context(
        self,
        vars: Mapping[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> Context:
        """A context to render with.

        vars: the names given. With `shared` they are all there is, without the globals.
        locals: names that hide those; one that is `missing` is left out.
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
        """Render with the names that the arguments give, which are those of `dict`."""
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
        """`render` as a coroutine, which awaits what the template calls. Needs `enable_async`."""
        self._check_async("The environment was not created with async mode enabled.")
        context = self.new_context(dict(*args, **kwargs))
        output: list[str] = []
        try:
            await self.code(context, output)
            return self._concat(output)
        except Exception as error:
            raise of_template(error) from error.__cause__

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """Render piece by piece, each yielded as soon as it is there."""
        if self.environment.is_async:
            yield from _drained(self.generate_async(*args, **kwargs))
            return
        try:
            pieces = self.generate_code(self._checked().new_context(dict(*args, **kwargs)))
            if self.environment.source_map:
                from tmplmon.runtime.origins import streamed

                pieces = streamed(pieces)
            yield from pieces
        except Exception as error:
            raise of_template(error) from error.__cause__

    async def generate_async(self, *args: Any, **kwargs: Any) -> AsyncIterator[str]:
        """`generate` as an asynchronous generator. Needs `enable_async`."""
        self._check_async("The environment was not created with async mode enabled.")
        try:
            pieces = self.generate_code(self.new_context(dict(*args, **kwargs)))
            if self.environment.source_map:
                from tmplmon.runtime.origins import astreamed

                pieces = astreamed(pieces)
            async for piece in pieces:
                yield piece
        except Exception as error:
            raise of_template(error) from error.__cause__

    def stream(self, *args: Any, **kwargs: Any) -> "TemplateStream":
        """`generate` with methods to buffer it and to write it to a file."""
        pieces = self.generate(*args, **kwargs)
        if self.environment.source_map:
            from tmplmon.runtime.origins import join

            return TemplateStream(pieces, join)
        return TemplateStream(pieces)

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
        """Run the template and give its exported names as a module. The arguments are those of `new_context`."""
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
        """The module of the template run with its globals only; it is kept."""
        return self._default_module()

    def _foreign_globals(self, context: Context | None) -> dict[str, Any] | None:
        """Those of the globals a context was made with that this template does not have."""
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
        """Whether the source is still the one the template was made of."""
        return self._uptodate is None or self._uptodate()

    def get_corresponding_lineno(self, lineno: int) -> int:
        """The template's line for a line of its code: the same, as the code has the template's own lines."""
        return lineno

    @property
    def debug_info(self) -> list[tuple[int, int]]:
        """(template line, code line) of each line with code: equal, as the code has the template's own lines."""
        return [(line, line) for line in sorted(self._code.lines())]

    def __repr__(self) -> str:
        name = f"memory:{id(self):x}" if self.name is None else repr(self.name)
        return f"<{type(self).__name__} {name}>"


def _context_of_its_class(template: Template, names: dict[str, Any]) -> Context:
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
    """Check that an asynchronous template may run an event loop of its own, which no thread does inside of another.

    alternative: the method to use in an event loop. Raises RuntimeError if one is running.
    """
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"an event loop is running: use `{alternative}`, as the environment was created with enable_async"
    )


def _drained[T](pieces: AsyncIterator[T]) -> Iterator[T]:
    """An asynchronous iterator as an ordinary one, in an event loop of its own."""
    import asyncio

    _check_may_block("generate_async")
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(pieces.__anext__())
            except StopAsyncIteration:
                return
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class TemplateModule:
    """What importing a template gives: its exported names as attributes, its output as its text."""

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
    """An expression compiled on its own: call it with names, as `Template.render`, to get its value.

    What has no value is None, or with `undefined_to_none` false an undefined value.
    """

    def __init__(self, template: Template, undefined_to_none: bool) -> None:
        self._template = template
        self._undefined_to_none = undefined_to_none

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        context = self._template._checked().new_context(dict(*args, **kwargs))
        value = self._template.code(context)
        return None if self._undefined_to_none and isinstance(value, Undefined) else value


class TemplateStream:
    """The pieces of a template's output, one after the other; with buffering, several pieces joined to one."""

    def __init__(self, pieces: Iterator[str], join: Callable[[list[str]], str] = "".join) -> None:
        self._pieces = pieces
        self._join = join
        self.disable_buffering()

    def dump(self, fp: str | IO[Any], encoding: str | None = None, errors: str | None = "strict") -> None:
        """Write the output to a file.

        fp: a path, or a file that is open. A path is written in UTF-8 if no encoding is given.
        encoding: encode the output; an open file must take bytes then.
        errors: what to do with characters the encoding does not have, as in `str.encode`.
        """
        if isinstance(fp, str):
            with open(fp, "wb") as file:
                self._dump(file, encoding or "utf-8", errors)
        else:
            self._dump(fp, encoding, errors)

    def _dump(self, file: IO[Any], encoding: str | None, errors: str | None) -> None:
        if encoding is None:
            pieces: Iterator[Any] = iter(self)
        else:
            pieces = (piece.encode(encoding, errors or "strict") for piece in self)
        if hasattr(file, "writelines"):
            file.writelines(pieces)
        else:
            for piece in pieces:
                file.write(piece)

    def disable_buffering(self) -> None:
        """Give each piece as it comes."""
        self._next = self._pieces.__next__
        self.buffered = False

    def enable_buffering(self, size: int = 5) -> None:
        """Give `size` pieces at once, joined; empty ones do not count. Raises ValueError for a size below 2."""
        if size <= 1:
            raise ValueError("buffer size too small")
        self.buffered = True
        self._next = self._joined(size).__next__

    def _joined(self, size: int) -> Iterator[str]:
        held: list[str] = []
        count = 0
        for piece in self._pieces:
            held.append(piece)
            count += bool(piece)
            if count >= size:
                yield self._join(held)
                held.clear()
                count = 0
        if count:
            yield self._join(held)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return self._next()
