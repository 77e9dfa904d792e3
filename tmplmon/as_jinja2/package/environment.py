"""The environment and its templates: tmplmon's, with the methods that applications of Jinja2 override or call.

Rule: templates are made as in Jinja2, step by step, so that a subclass can override each step. `from_string` and
loaders call `compile`, whose result is an object for `Template.from_code`; `compile` preprocesses, and reads the
source with tmplmon's parser, or with `_parse` if a subclass or an extension needs it.
"""

import os
from collections import ChainMap
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, ClassVar, Self
from weakref import ref

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, generate
from jinja2.defaults import (
    BLOCK_END_STRING,
    BLOCK_START_STRING,
    COMMENT_END_STRING,
    COMMENT_START_STRING,
    DEFAULT_FILTERS,
    DEFAULT_NAMESPACE,
    DEFAULT_POLICIES,
    DEFAULT_TESTS,
    KEEP_TRAILING_NEWLINE,
    LINE_COMMENT_PREFIX,
    LINE_STATEMENT_PREFIX,
    LSTRIP_BLOCKS,
    NEWLINE_SEQUENCE,
    TRIM_BLOCKS,
    VARIABLE_END_STRING,
    VARIABLE_START_STRING,
)
from jinja2.exceptions import (
    TemplateNotFound,
    TemplateRuntimeError,
    TemplatesNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.lexer import Lexer, TokenStream, get_lexer
from jinja2.parser import Parser
from jinja2.runtime import EvalContext, new_context
from jinja2.utils import LRUCache, _PassArg, concat, consume, import_string, internalcode
from markupsafe import Markup

from tmplmon import environment as own_environment
from tmplmon import template as own_template
from tmplmon.as_jinja2.refusing import check_code_generator, refusal
from tmplmon.backends.code import Code
from tmplmon.jinjaparser.parse import converted, filtered, located, with_method_tags
from tmplmon.jinjaparser.places import tokens_of
from tmplmon.jinjaparser.scanning import tokenize
from tmplmon.loaded import note as note_file
from tmplmon.recursion import with_raised_recursion_limit
from tmplmon.runtime.context import Context
from tmplmon.runtime.undefined import Undefined, missing
from tmplmon.stream import TemplateStream
from tmplmon.syntax.source import Source
from tmplmon.template import TemplateExpression, TemplateModule
from tmplmon.tracebacks import file_of

__all__ = [
    "BLOCK_END_STRING",
    "BLOCK_START_STRING",
    "COMMENT_END_STRING",
    "COMMENT_START_STRING",
    "DEFAULT_FILTERS",
    "DEFAULT_NAMESPACE",
    "DEFAULT_POLICIES",
    "DEFAULT_TESTS",
    "KEEP_TRAILING_NEWLINE",
    "LINE_COMMENT_PREFIX",
    "LINE_STATEMENT_PREFIX",
    "LSTRIP_BLOCKS",
    "NEWLINE_SEQUENCE",
    "TRIM_BLOCKS",
    "VARIABLE_END_STRING",
    "VARIABLE_START_STRING",
    "CodeGenerator",
    "CompiledSource",
    "Context",
    "Environment",
    "EvalContext",
    "LRUCache",
    "Lexer",
    "Markup",
    "Parser",
    "Template",
    "TemplateExpression",
    "TemplateModule",
    "TemplateNotFound",
    "TemplateRuntimeError",
    "TemplateStream",
    "TemplateSyntaxError",
    "TemplatesNotFound",
    "TokenStream",
    "Undefined",
    "UndefinedError",
    "_PassArg",
    "concat",
    "consume",
    "copy_cache",
    "create_cache",
    "generate",
    "get_lexer",
    "get_spontaneous_environment",
    "import_string",
    "internalcode",
    "load_extensions",
    "missing",
    "new_context",
]

# The positional arguments of `Environment`, `overlay` and `Template`, in Jinja2's order.
_OPTIONS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline", "extensions", "optimized"),
    *("undefined", "finalize", "autoescape", "loader", "cache_size", "auto_reload", "bytecode_cache"),
    "enable_async",
)
_TEMPLATE_OPTIONS = tuple(
    name for name in _OPTIONS if name not in ("loader", "cache_size", "auto_reload", "bytecode_cache")
)


def _named(options: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return positional and keyword arguments by their names. Raises TypeError if there are too many."""
    if len(args) > len(options):
        raise TypeError(f"at most {len(options)} positional arguments are expected, not {len(args)}")
    names = options[: len(args)]
    for name in names:
        if name in kwargs:
            raise TypeError(f"got multiple values for argument {name!r}")
    return dict(zip(names, args, strict=True)) | kwargs


class _Preprocessed(str):
    """A source that the extensions have preprocessed."""

    __slots__ = ()


class _Parsed(str):
    """The source of a tree that was parsed before."""

    tree: nodes.Template


class CompiledSource:
    """What `Environment.compile` returns and `Template.from_code` takes. It takes the place of a code object.

    source: the text, preprocessed. name, filename: of the template; None if it has none.
    code: what runs it.
    """

    def __init__(self, source: str, name: str | None, filename: str | None, code: Any) -> None:
        self.source = source
        self.name = name
        self.filename = filename
        self.co_filename = "<template>" if filename is None else filename
        self.code = code


class Template(own_template.Template):
    """A compiled template. `Template(source, **options)` compiles a string."""

    def __new__(cls, source: Any, *args: Any, **kwargs: Any) -> Any:
        options = _named(_TEMPLATE_OPTIONS, args, kwargs)
        return cls.environment_class.shared_with(**options).from_string(source, template_class=cls)

    @classmethod
    def from_code(
        cls,
        environment: Any,
        code: Any,
        globals: MutableMapping[str, Any] | None,
        uptodate: Callable[[], bool] | None = None,
    ) -> Self:
        """Create a template from the result of `Environment.compile`.

        globals: what `Environment.make_globals` returns. uptodate: returns whether the source is still current.

        Raises NotImplementedError for a code object of Python.
        """
        if not isinstance(code, CompiledSource):
            raise refusal("Template.from_code with code that Jinja2 has generated")
        own = _own_globals(environment, globals)
        return cls._make(environment, code.source, code.code, code.name, code.filename, own, uptodate)

    @classmethod
    def from_module_dict(cls, environment: Any, module_dict: Any, globals: Any) -> Self:
        """Raises NotImplementedError."""
        raise refusal("Template.from_module_dict, which takes generated Python source,")

    def _link(self) -> None:
        super()._link()
        # Whether a subclass changes how a context is made or an error is handled.
        self._is_customised = (
            type(self).new_context is not Template.new_context
            or type(self.environment).handle_exception is not Environment.handle_exception
        )

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output of the template, as tmplmon's `Template.render`, with the methods of subclasses."""
        if not self._is_customised or self.environment.is_async:
            return super().render(*args, **kwargs)
        context = self.new_context(dict(*args, **kwargs))
        try:
            return self.environment.concat(self.root_render_func(context))
        except Exception:
            self.environment.handle_exception()

    async def render_async(self, *args: Any, **kwargs: Any) -> Any:
        """`render` as a coroutine."""
        if not self._is_customised or not self.environment.is_async:
            return await super().render_async(*args, **kwargs)
        context = self.new_context(dict(*args, **kwargs))
        try:
            return self.environment.concat([chunk async for chunk in self.root_render_func(context)])
        except Exception:
            self.environment.handle_exception()

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        return self._default_module(ctx)

    async def _get_default_module_async(self, ctx: Context | None = None) -> TemplateModule:
        return await self._default_module_async(ctx)


def _own_globals(environment: Any, globals: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
    """The globals that a template has in addition to those of the environment, from what `make_globals` returns."""
    if globals is None or globals is environment.globals:
        return {}
    if isinstance(globals, ChainMap) and globals.maps[-1] is environment.globals:
        own = globals.maps[0]
        return own if len(globals.maps) == 2 and type(own) is dict else dict(ChainMap(*globals.maps[:-1]))
    return dict(globals)


class Environment(own_environment.Environment):
    """The options, tables and loader that templates are compiled with. The arguments are those of Jinja2.

    bytecode_cache: accepted and not used, because no bytecode of Jinja2 is made.
    """

    template_class: type[own_template.Template] = Template
    code_generator_class: ClassVar[type[Any]] = CodeGenerator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        options = _named(_OPTIONS, args, kwargs)
        self.bytecode_cache = options.pop("bytecode_cache", None)
        super().__init__(**options)

    def overlay(self, *args: Any, **kwargs: Any) -> Self:
        """Return an environment that has some options of its own and shares everything else with this one."""
        options = _named(_OPTIONS, args, kwargs)
        bytecode_cache = options.pop("bytecode_cache", missing)
        overlay = super().overlay(**options)
        if bytecode_cache is not missing:
            overlay.bytecode_cache = bytecode_cache
        return overlay

    def _init_per_overlay_state(self, cache_size: int) -> None:
        super()._init_per_overlay_state(cache_size)
        self.cache = create_cache(cache_size)

    @property
    def _native(self) -> bool:
        return getattr(self.code_generator_class, "is_native", False)

    def add_extension(self, extension: Any) -> None:
        """Add an extension: a class, or its import name."""
        self.extensions.update(load_extensions(self, [extension]))

    # --- reading templates ---------------------------------------------------------------------------------

    @property
    def lexer(self) -> Lexer:
        """The lexer for this environment."""
        return get_lexer(self)

    def lex(
        self, source: str, name: str | None = None, filename: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """Return an iterator over the raw tokens of a source: (line, from 1; kind; text)."""
        try:
            return self.lexer.tokeniter(str(source), name, filename)
        except TemplateSyntaxError:
            self.handle_exception(source=source)

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        if not isinstance(source, _Preprocessed):
            source = self.preprocess(source, name, filename)
        return filtered(self, tokenize(self, self.lexer, source, name, filename, state), name, filename)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return with_method_tags(Parser(self, source, name, filename)).parse()

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """Return Jinja2's nodes of a source. Raises TemplateSyntaxError."""
        try:
            return self._read(str(source), name, filename)
        except TemplateSyntaxError:
            self.handle_exception(source=source)

    def _read(self, text: str, name: str | None, filename: str | None, state: str | None = None) -> Any:
        """Call `_parse`, or read an expression if the state is "variable". Errors have the place of the token."""
        try:
            if state is None:
                return self._parse(text, name, filename)
            parser = Parser(self, text, name, filename, state)
            expression = parser.parse_expression()
            if not parser.stream.eos:
                parser.fail("chunk after expression")
            return expression
        except TemplateSyntaxError as error:
            raise located(error, Source(text, name, filename or "<template>")) from None

    def _needs_jinja2(self, text: str) -> bool:
        cls = type(self)
        return (
            isinstance(text, _Parsed)
            or cls._parse is not Environment._parse
            or cls._tokenize is not Environment._tokenize
            or cls.lexer is not Environment.lexer
            or super()._needs_jinja2(text)
        )

    def foreign_tree(self, source: Source) -> Any:
        if not self._needs_jinja2(source.original):
            return None
        name, filename = source.name, None if source.filename.startswith("<") else source.filename

        def work() -> Any:
            text = source.original
            if isinstance(text, _Parsed):
                return converted(text.tree, source)
            return converted(self._read(_Preprocessed(source.text), name, filename), source)

        return with_raised_recursion_limit(work, name, source.filename)

    # --- compiling -----------------------------------------------------------------------------------------

    def compile(
        self,
        source: Any,
        name: str | None = None,
        filename: str | None = None,
        raw: bool = False,
        defer_init: bool = False,
    ) -> Any:
        """Compile a source, or the result of `parse`. Returns an object for `Template.from_code`.

        Raises TemplateSyntaxError, and NotImplementedError if Python source is asked for (`raw`).
        """
        if raw or defer_init:
            raise refusal("Environment.compile with raw or defer_init, which return Python source,")
        check_code_generator(self.code_generator_class, _stock_code_generators())
        if isinstance(source, nodes.Template):
            text: str = _Parsed(tokens_of(source).text)
            text.tree = source
        elif not isinstance(source, str):
            raise TypeError(
                f"the source of a template is a str or nodes.Template, not {type(source).__name__}"
            )
        else:
            text = str(self.preprocess(source, name, filename)) if self.extensions else str(source)
        file = file_of(name)
        if filename is not None:
            file = os.path.abspath(filename)
            note_file(file, name, self)
        try:
            code = self._compile_source(text, name, file)
        except TemplateSyntaxError as error:
            try:
                raise self._in_words_of_jinja2(error, text, name, filename) from None
            except TemplateSyntaxError:
                self.handle_exception(source=text)
        return CompiledSource(text, name, filename, code)

    def _in_words_of_jinja2(
        self,
        error: TemplateSyntaxError,
        text: str,
        name: str | None,
        filename: str | None,
        state: str | None = None,
    ) -> TemplateSyntaxError:
        """The error that Jinja2's parser raises for a source, which applications may compare; `error` if that
        raises none.

        state: "variable" if the source is an expression.
        """
        error.in_file(filename)
        if not isinstance(text, _Parsed):
            try:
                self._read(_Preprocessed(text), name, filename, state)
            except TemplateSyntaxError as other:
                other.in_file(filename)
                return other.with_traceback(None)
        return error.with_traceback(None)

    def compile_expression(self, source: str, undefined_to_none: bool = True) -> TemplateExpression:
        """Compile an expression, written without delimiters, to a function of the names that it uses."""
        try:
            return super().compile_expression(source, undefined_to_none)
        except TemplateSyntaxError as error:
            try:
                raise self._in_words_of_jinja2(error, source, None, None, "variable") from None
            except TemplateSyntaxError:
                self.handle_exception(source=source)

    def _compile_to_bytecode(
        self, source: str, name: str | None, file: str, generating: bool = False
    ) -> Code:
        code = super()._compile_to_bytecode(source, name, file, generating)
        code.root = _renamed(code.root)
        code.blocks = {block: _renamed(block_code) for block, block_code in code.blocks.items()}
        return code

    def _generate(self, *_: Any, **__: Any) -> Any:
        raise refusal("generating Python source from nodes (Environment._generate)")

    def _compile(self, source: str, filename: str) -> Any:
        raise refusal("compiling Python source (Environment._compile)")

    def compile_templates(self, *_: Any, **__: Any) -> None:
        """Raises NotImplementedError."""
        raise refusal("Environment.compile_templates, which writes Python source,")

    # --- loading -------------------------------------------------------------------------------------------

    def from_string(
        self,
        source: Any,
        globals: MutableMapping[str, Any] | None = None,
        template_class: type[own_template.Template] | None = None,
    ) -> Any:
        """Create a template from a string, or from the result of `parse`."""
        cls: Any = template_class or self.template_class
        return cls.from_code(self, self.compile(source), self.make_globals(globals), None)

    def _load(self, loader: Any, name: str, globals: MutableMapping[str, Any] | None) -> Any:
        source, filename, uptodate = loader.get_source(self, name)
        code = self.compile(source, name, filename)
        cls: Any = self.template_class
        return cls.from_code(self, code, globals, uptodate)

    def _load_template(self, name: str, globals: MutableMapping[str, Any] | None) -> Any:
        if self.loader is None:
            raise TypeError("no loader for this environment specified")
        cache: Any = self.cache
        key = ref(self.loader), name
        if cache is not None:
            template = cache.get(key)
            if template is not None and (not self.auto_reload or template.is_up_to_date):
                if globals:
                    template.globals.update(globals)
                return template._checked()
        template = self.loader.load(self, name, self.make_globals(globals))
        if cache is not None:
            cache[key] = template
        return template

    def _ready_template(self, name: object) -> Any:
        cache: Any = self.cache
        if cache is None or self.auto_reload or self._joins_paths or type(name) is not str:
            return None
        if type(self)._load_template is not Environment._load_template or self.loader is None:
            return None
        template = cache.get((ref(self.loader), name))
        return template if template is not None and template._linked == self._changes[0] else None


Template.environment_class = Environment


def _stock_code_generators() -> tuple[type[Any], ...]:
    from jinja2.nativetypes import NativeCodeGenerator

    return CodeGenerator, NativeCodeGenerator


def _renamed(code: Any) -> Any:
    """Code with the names that Jinja2 shows in tracebacks. Its qualified name stays."""
    name = code.co_name
    if name == "<template>":
        name = "top-level template code"
    elif name.startswith("block "):
        name = f"block {name[6:]!r}"
    elif name == "caller" or name.startswith("macro "):
        name = "template"
    constants = tuple(_renamed(const) if isinstance(const, type(code)) else const for const in code.co_consts)
    return code.replace(co_name=name, co_consts=constants)


def load_extensions(environment: Any, extensions: Any) -> dict[str, Any]:
    """Return the extensions of an environment by their identifiers. extensions: classes, or their import names."""
    loaded = {}
    for extension in extensions:
        cls: Any = import_string(extension) if isinstance(extension, str) else extension
        loaded[cls.identifier] = cls(environment)
    return loaded


def get_spontaneous_environment(cls: type[Environment], *args: Any) -> Any:
    """Return the environment of this class that templates made with these options share."""
    return cls.shared_with(**_named(_OPTIONS, args, {}))


def create_cache(size: int) -> Any:
    """Return a cache for this number of templates: None for 0, one without a limit for a negative number."""
    if size == 0:
        return None
    return {} if size < 0 else LRUCache(size)


def copy_cache(cache: Any) -> Any:
    """Return an empty cache of the same size."""
    if cache is None:
        return None
    return {} if type(cache) is dict else LRUCache(cache.capacity)
