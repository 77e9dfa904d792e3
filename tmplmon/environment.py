"""The environment: options, tables of filters, tests and globals, compiling and loading of templates."""

import os
import sys
from collections import ChainMap, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self

from tmplmon.errors import (
    TemplateNotFound,
    TemplateRuntimeError,
    TemplatesNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from tmplmon.loaded import DELIMITERS
from tmplmon.loaded import note as note_file
from tmplmon.runtime.calls import call
from tmplmon.runtime.context import Context, EvalContext
from tmplmon.runtime.filters import COLLECTING_FILTERS, FILTERS
from tmplmon.runtime.globals import DEFAULT_POLICIES, GLOBALS
from tmplmon.runtime.markers import collecting, inlinable, is_inlinable, pass_arg_of
from tmplmon.runtime.tables import Table, WatchedTable, WatchingChanges
from tmplmon.runtime.tests import TESTS
from tmplmon.runtime.undefined import Undefined, missing, undefined_attribute
from tmplmon.template import Template, TemplateExpression
from tmplmon.tracebacks import file_of, of_template

if TYPE_CHECKING:
    from tmplmon.backends.bytecode.unit import Target
    from tmplmon.backends.code import Code
    from tmplmon.backends.compiled import CompiledTemplate
    from tmplmon.ext import Extension
    from tmplmon.ir.lower import Options
    from tmplmon.loaders import BaseLoader
    from tmplmon.runtime.budget import Limits
    from tmplmon.runtime.guard import Guard
    from tmplmon.syntax.lexer import Syntax
    from tmplmon.syntax.nodes import Template as Tree
    from tmplmon.syntax.source import Source

type Name = str | os.PathLike[str] | Template
type Autoescape = bool | Callable[[str | None], bool]

_SYNTAX_OPTIONS = (*DELIMITERS, "trim_blocks", "lstrip_blocks", "keep_trailing_newline")

# Options that a loaded template uses from its next rendering on. All others have an effect on templates that are
# compiled later.
_LINKED_OPTIONS = frozenset({"autoescape", "finalize", "undefined"})


class Environment:
    """The options, tables and loader that templates are compiled with, and a cache of loaded templates.

    block_start_string, block_end_string, variable_start_string, variable_end_string, comment_start_string,
        comment_end_string: the delimiters.
    line_statement_prefix, line_comment_prefix: the prefixes of lines that are tags or comments; None for none.
    trim_blocks: remove the first line break after a tag.
    lstrip_blocks: remove blanks before a tag that is the first on its line.
    newline_sequence: the line break that replaces each line break in a template: LF, CR LF or CR.
    keep_trailing_newline: keep the line break at the end of a template.
    extensions: classes of extensions, or their import names.
    optimized: has no effect; it is accepted for compatibility with Jinja2.
    undefined: the class of undefined values, a subclass of `tmplmon.Undefined`.
    finalize: a function that is applied to each value before it is output; None for none.
    autoescape: whether values are escaped as HTML; or a function of the template's name (None for a template from a
        string) that returns it.
    loader: the loader that `get_template` uses; None for none.
    cache_size: how many templates are cached; 0 for none, -1 for no limit. The template whose last use is the
        longest ago is removed first.
    auto_reload: before a cached template is used, check whether its source has changed, and load it again if so.
    enable_async: templates are compiled to coroutines, which await what they call.
    cache_dir: a directory that stores compiled templates for other processes. It must belong to the user or to
        root, and nobody else may be able to write to it. It is created if it does not exist. It may be read-only
        if `tmplmon compile` has filled it. Templates of the back end "closures" are not stored.
    backend: "bytecode" compiles templates to Python functions, "closures" to trees of closures, for templates that
        must not become Python code.
    source_map: for development: rendered text contains for each of its parts the template, line and column that
        output it and the includes, blocks and macros that led there; see `tmplmon.tools.sourcemap`.

    Raises TypeError or ValueError if an option has a wrong value, ImportError if an extension cannot be
    imported, and RuntimeError or OSError on first use of a `cache_dir` that is not safe or cannot be created.
    """

    sandboxed = False
    overlayed = False
    stepping = False
    """Whether templates are compiled for a debugger: output is appended line by line, a loop that uses any
    attribute of `loop` has a complete one, and scopes of the closures back end always fire events. The
    extension `breakpoint` sets it."""
    linked_to: "Environment | None" = None
    """The environment of which this one is an overlay."""
    shared = False
    """Whether templates made with `Template(source)` share this environment."""
    context_class: type[Context] = Context
    template_class: type[Template] = Template
    limits: "Limits | None" = None
    """How much a rendering may spend. Only sandboxed environments have limits."""
    concat: Any = staticmethod("".join)
    """The function that joins the chunks of a template's output."""

    # The implementation of `Context.call`.
    _call: ClassVar[Any] = staticmethod(call)

    # Whether values are output without converting them to text, for `concat` to join.
    _native = False
    _stock_filters: Mapping[str, Callable[..., Any]] = FILTERS
    _stock_tests: Mapping[str, Callable[..., Any]] = TESTS

    def __init__(
        self,
        block_start_string: str = "{%",
        block_end_string: str = "%}",
        variable_start_string: str = "{{",
        variable_end_string: str = "}}",
        comment_start_string: str = "{#",
        comment_end_string: str = "#}",
        line_statement_prefix: str | None = None,
        line_comment_prefix: str | None = None,
        trim_blocks: bool = False,
        lstrip_blocks: bool = False,
        newline_sequence: Literal["\n", "\r\n", "\r"] = "\n",
        keep_trailing_newline: bool = False,
        extensions: "Sequence[str | type[Extension]]" = (),
        optimized: bool = True,
        undefined: type[Undefined] = Undefined,
        finalize: Callable[..., Any] | None = None,
        autoescape: Autoescape = False,
        loader: "BaseLoader | None" = None,
        cache_size: int = 400,
        auto_reload: bool = True,
        enable_async: bool = False,
        *,
        cache_dir: str | os.PathLike[str] | None = None,
        backend: Literal["bytecode", "closures"] = "bytecode",
        source_map: bool = False,
    ) -> None:
        self.block_start_string = block_start_string
        self.block_end_string = block_end_string
        self.variable_start_string = variable_start_string
        self.variable_end_string = variable_end_string
        self.comment_start_string = comment_start_string
        self.comment_end_string = comment_end_string
        self.line_statement_prefix = line_statement_prefix
        self.line_comment_prefix = line_comment_prefix
        self.trim_blocks = trim_blocks
        self.lstrip_blocks = lstrip_blocks
        self.newline_sequence = newline_sequence
        self.keep_trailing_newline = keep_trailing_newline
        self.optimized = optimized
        self.undefined = undefined
        self.finalize = finalize
        self.autoescape = autoescape
        self.loader = loader
        self.auto_reload = auto_reload
        self.is_async = enable_async
        self.cache_dir = cache_dir
        self.backend = backend
        self.source_map = source_map

        # The number of changes to the tables below. A template that was linked at another number is linked again.
        self._changes = [0]
        self._filters: Any = Table(dict(self._stock_filters), self._changes)
        self._tests: Any = Table(dict(self._stock_tests), self._changes)
        self._globals: Any = Table(dict(GLOBALS), self._changes)
        self.policies: dict[str, Any] = dict(DEFAULT_POLICIES)
        self.newstyle_gettext = False
        self.extensions: dict[str, Extension] = {}
        self._init_per_overlay_state(cache_size)
        for extension in extensions:
            self.add_extension(extension)

    def _init_per_overlay_state(self, cache_size: int) -> None:
        """Check the options, and initialize the attributes that an overlay does not share."""
        self._eval_contexts = {escape: EvalContext.make(self, escape) for escape in (False, True)}
        self.cache: OrderedDict[str, tuple[Any, Template]] | None = OrderedDict() if cache_size else None
        self._cache_size = cache_size
        self._lru_threshold = cache_size * 3 // 4 if cache_size > 0 else sys.maxsize
        self._joins_paths = type(self).join_path is not Environment.join_path
        self._default_eval: EvalContext | None = None
        self.__dict__.pop("concat", None)
        if self.source_map:
            from tmplmon.runtime.origins import rendered

            self.__dict__["concat"] = rendered
        self._check_options()
        if self.cache_dir is not None:
            from tmplmon.diskcache import engine

            engine()  # identifies it before another version can be installed while this process runs

    def _check_options(self) -> None:
        """Raise TypeError or ValueError if an option has a wrong value."""
        if not (isinstance(self.undefined, type) and issubclass(self.undefined, Undefined)):
            raise TypeError("undefined must be a subclass of tmplmon.Undefined")
        starts = {self.block_start_string, self.variable_start_string, self.comment_start_string}
        if len(starts) != 3 or "" in starts:
            raise ValueError(
                "the start strings of blocks, variables and comments must be three different ones"
            )
        if self.backend not in ("bytecode", "closures"):
            raise ValueError("backend must be 'bytecode' or 'closures'")
        if self.source_map and (self.backend != "bytecode" or self._native):
            raise ValueError(
                "source_map needs the back end 'bytecode', whose frames tell where output comes from, and an"
                " environment that is not native"
            )
        if self.newline_sequence not in ("\n", "\r\n", "\r"):
            raise ValueError(r"newline_sequence must be '\n', '\r\n' or '\r'")

    # --- tables --------------------------------------------------------------------------------------------

    @property
    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name of each filter → its function. Templates use changes from their next rendering on.

        It can be replaced by any mapping, which stays the application's own: later changes of it are noticed, too,
        for the price of a look-up of each name that templates use before each rendering. The same holds for `tests`
        and `globals`.
        """
        return self._filters if type(self._filters) is Table else self._filters.mapping

    @filters.setter
    def filters(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._filters = self._table("filters", functions)

    @property
    def tests(self) -> dict[str, Callable[..., Any]]:
        """Name of each test → its function. Templates use changes from their next rendering on."""
        return self._tests if type(self._tests) is Table else self._tests.mapping

    @tests.setter
    def tests(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._tests = self._table("tests", functions)

    @property
    def globals(self) -> dict[str, Any]:
        """Names and values that all templates can use. Set them before templates run, like filters and tests: after
        a change, each template is linked again before its next rendering, which takes about ten microseconds."""
        return self._globals if type(self._globals) is Table else self._globals.mapping

    @globals.setter
    def globals(self, names: Mapping[str, Any]) -> None:
        self._globals = self._table("globals", names)

    def _table(self, name: str, mapping: Mapping[str, Any]) -> Any:
        """Return the table for a mapping that replaces the table `name`, whose changes it notes or looks for."""
        counted = getattr(self._changes, "counted", self._changes)
        watched = dict(getattr(self._changes, "tables", {}))
        watched.pop(name, None)
        table: Any = mapping
        if not (type(mapping) is Table and mapping.changes is counted):
            table = watched[name] = WatchedTable(mapping)
        counted[0] += 1
        self._changes = WatchingChanges(counted, watched) if watched else counted
        return table

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in _LINKED_OPTIONS and "_changes" in self.__dict__:
            self._changes[0] += 1

    def extend(self, **attributes: Any) -> None:
        """Set each of the attributes that the environment does not have yet. For extensions."""
        for name, value in attributes.items():
            if not hasattr(self, name):
                setattr(self, name, value)

    def overlay(self, **options: Any) -> Self:
        """Return an environment that has some options of its own and shares everything else with this one.

        options: those of the class. `extensions` are added to those of this environment.

        Raises TypeError for an unknown option, and what the class raises for wrong values.
        """
        extensions = options.pop("extensions", ())
        cache_size = options.pop("cache_size", self._cache_size)
        enable_async = options.pop("enable_async", missing)
        unknown = options.keys() - _OVERLAY_OPTIONS
        if unknown:
            raise TypeError(f"overlay() got an unexpected keyword argument {min(unknown)!r}")
        overlay = object.__new__(type(self))
        overlay.__dict__.update(self.__dict__)
        overlay.overlayed = True
        overlay.linked_to = self
        overlay.__dict__.update({name: value for name, value in options.items() if value is not missing})
        if enable_async is not missing:
            overlay.is_async = enable_async
        overlay._init_per_overlay_state(self._cache_size if cache_size is missing else cache_size)
        overlay.extensions = {name: extension.bind(overlay) for name, extension in self.extensions.items()}
        for extension in () if extensions is missing else extensions:
            overlay.add_extension(extension)
        return overlay

    @classmethod
    def shared_with(cls, **options: Any) -> "Environment":
        """Return the environment of this class for `Template(source, **options)`. All calls with equal options
        share one; the last ten are kept. If an option is not hashable, the environment is new.

        options: those of the class, but by default no templates are cached.
        """
        options["extensions"] = tuple(options.get("extensions", ()))
        key: tuple[Any, ...] | None
        try:
            key = cls, *sorted(options.items(), key=lambda item: item[0])
            environment = _shared.get(key)
        except TypeError:
            key, environment = None, None
        if environment is None:
            environment = cls(**{"cache_size": 0, **options})
            environment.shared = True
            if key is not None:
                _shared[key] = environment
                _drop_oldest(_shared, _MOST_SHARED)
        return environment

    # --- extensions ----------------------------------------------------------------------------------------

    def add_extension(self, extension: "str | type[Extension]") -> None:
        """Add an extension: a class, or its import name.

        Raises ImportError if it cannot be imported, or if it needs Jinja2's parser and Jinja2 is not installed.
        """
        from tmplmon.ext import check_parser, find_extension

        cls = find_extension(extension)
        added = cls(self)
        check_parser(added)
        self.extensions[cls.identifier] = added

    def iter_extensions(self) -> "Iterator[Extension]":
        """Return an iterator over the extensions, those with lower `priority` first."""
        return iter(sorted(self.extensions.values(), key=lambda extension: extension.priority))

    def _tag_function(self, name: str | tuple[Any, ...]) -> Callable[..., Any]:
        if isinstance(name, tuple):
            from tmplmon.runtime.special import special_function

            return special_function(self, name)
        for extension in self.extensions.values():
            if name in getattr(extension, "method_tags", ()):
                return extension.tag_function(name)
        raise TemplateRuntimeError(f"no extension has a tag named {name!r}")

    # --- attributes, items, filters and tests
    # ---------------------------------------------------------------------------

    @inlinable
    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute` in a template: the attribute, else the item, else undefined."""
        try:
            return getattr(obj, attribute)
        except AttributeError as error:
            try:
                return obj[attribute]
            except (TypeError, LookupError, AttributeError):
                return undefined_attribute(self, obj, attribute, attribute, error)

    @inlinable
    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]` in a template: the item, else for a name the attribute, else undefined."""
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            if isinstance(argument, str):
                try:
                    attribute = str(argument)
                except Exception:
                    pass
                else:
                    try:
                        return getattr(obj, attribute)
                    except AttributeError as error:
                        return undefined_attribute(self, obj, attribute, argument, error)
            return self.undefined(obj=obj, name=argument)

    def _callable_filter(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function that a template calls for the filter `function` of the name `name`."""
        if self.is_async and name in COLLECTING_FILTERS and function is self._stock_filters.get(name):
            return collecting(function, self._collected)
        return function

    async def _collected(self, iterable: Any) -> list[Any]:
        """The items of an asynchronous iterable, for a filter that takes a list."""
        return [item async for item in iterable]

    def _callable_test(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function that a template calls for the test `function` of the name `name`."""
        return function

    def _apply(
        self,
        kind: str,
        name: Any,
        value: Any,
        args: Sequence[Any] | None,
        kwargs: Mapping[str, Any] | None,
        context: Context | None,
        eval_ctx: EvalContext | None,
    ) -> Any:
        table = self._filters if kind == "filter" else self._tests
        function = table.get(name)
        if function is None:
            message = f"No {kind} named {name!r}."
            if isinstance(name, Undefined):
                try:
                    name._fail_with_undefined_error()
                except Exception as error:
                    message = f"{message} ({error}; did you forget to quote the callable name?)"
            raise TemplateRuntimeError(message)
        first: list[Any] = []
        kind_of_first = pass_arg_of(function)
        if kind_of_first == "context":
            if context is None:
                raise TemplateRuntimeError(f"Attempted to invoke a context {kind} without context.")
            first = [context]
        elif kind_of_first == "eval_context":
            if eval_ctx is None:
                eval_ctx = self._eval_context(None) if context is None else context.eval_ctx
            first = [eval_ctx]
        elif kind_of_first == "environment":
            first = [self]
        if kind == "filter":
            function = self._callable_filter(name, function)
        return function(*first, value, *(args or ()), **(kwargs or {}))

    @inlinable
    def call_filter(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: EvalContext | None = None,
    ) -> Any:
        """Apply the filter `name` to `value`, as a template does.

        args, kwargs: further arguments of the filter.
        context, eval_ctx: for filters that ask for one of them.

        In an asynchronous environment the result may be awaitable. Raises TemplateRuntimeError if there is no such
        filter or it needs a context that was not passed, and what the filter raises.
        """
        return self._apply("filter", name, value, args, kwargs, context, eval_ctx)

    @inlinable
    def call_test(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: EvalContext | None = None,
    ) -> Any:
        """Apply the test `name` to `value`, as a template does. Arguments and errors are those of `call_filter`."""
        return self._apply("test", name, value, args, kwargs, context, eval_ctx)

    def _formatted(self, text: str, variables: dict[str, Any]) -> str:
        """Return a translation with the values of its variables."""
        return text % variables

    def _imported(self, module: Any) -> Any:
        """Return what a template gets for an imported module, or for an awaitable that gives the module."""
        return module

    def _of_module(self, module: Any, name: str) -> Any:
        """Return a name of an imported module, or `missing`."""
        return getattr(module, name, missing)

    def _guard(self) -> "Guard | None":
        """Return the decisions of a sandbox for its templates; None if this is not a sandbox."""
        return None

    def _eval_context(self, name: str | None) -> EvalContext:
        """Return the evaluation context with which the template of this name starts."""
        autoescape = self.autoescape
        return self._eval_contexts[bool(autoescape(name) if callable(autoescape) else autoescape)]

    # --- compiling -----------------------------------------------------------------------------------------

    @property
    def syntax(self) -> "Syntax":
        """The delimiters, the lexical options and the tags of the extensions, for the lexer and the parser."""
        from tmplmon.syntax.lexer import Syntax

        options = {name: getattr(self, name) for name in _SYNTAX_OPTIONS}
        tags: set[str] = set()
        custom: list[tuple[str, bool]] = []
        if self.extensions:
            from tmplmon.ext import enabled_tags

            for extension in self.extensions.values():
                tags |= enabled_tags(extension)
                custom += [(name, tag.body) for name, tag in getattr(extension, "method_tags", {}).items()]
        return Syntax(**options, tags=frozenset(tags), custom_tags=tuple(sorted(custom)))

    def foreign_tree(self, source: "Source") -> "Tree | None":
        """Return the tree of a source that Jinja2's parser has to read, because an extension reads a tag in it or
        changes tokens; None for any other source. Raises TemplateSyntaxError, and what the extension raises."""
        if not self._needs_jinja2(source.text):
            return None
        from tmplmon.jinjaparser.parse import parse

        return parse(self, source)

    def _needs_jinja2(self, text: str) -> bool:
        """Whether Jinja2's parser has to read a source."""
        if not self.extensions:
            return False
        from tmplmon.ext import changes_tokens, parsed_tags

        return any(
            changes_tokens(extension) or any(tag in text for tag in parsed_tags(extension))
            for extension in self.extensions.values()
        )

    def lower_options(self, name: str | None) -> "Options":
        """Return the options with which the template of this name is lowered."""
        from tmplmon.ir.lower import Options

        return Options(
            autoescape=self._eval_context(name).autoescape,
            filters=self._filters,
            tests=self._tests,
            newline=self.newline_sequence,
            trim_messages=bool(self.policies["ext.i18n.trimmed"]),
            newstyle_gettext=self.newstyle_gettext,
            finalize=self.finalize is not None,
            stepping=self.stepping,
        )

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """Return the source after the `preprocess` methods of all extensions, in the order of their priority."""
        for extension in self.iter_extensions():
            source = extension.preprocess(source, name, filename)
        return source

    def bytecode_target(self, is_async: bool | None = None) -> "Target":
        """Return the options with which the bytecode back end compiles a template.

        is_async: whether to compile coroutines; by default as the environment is.
        """
        from tmplmon.backends.bytecode.link import CallConventions
        from tmplmon.backends.bytecode.unit import Target

        return Target(
            filters=CallConventions(self._filters, self._stock_filters),
            tests=CallConventions(self._tests, self._stock_tests),
            is_async=self.is_async if is_async is None else is_async,
            finalize=None if self.finalize is None else (pass_arg_of(self.finalize),),
            native=self._native,
            traced=self.source_map,
            stepping=self.stepping,
            stock_getattr=is_inlinable(self.getattr),
            stock_getitem=is_inlinable(self.getitem),
        )

    def _compile_source(self, source: str, name: str | None, file: str) -> "CompiledTemplate":
        """Compile a source with the environment's back end. `file` is the file that the code is to be of."""
        if self.backend == "closures":
            from tmplmon.pipeline import compile_to_closures

            return compile_to_closures(self, source, name, file)
        return self._compile_to_bytecode(source, name, file)

    def _compile_to_bytecode(
        self, source: str, name: str | None, file: str, generating: bool = False
    ) -> "Code":
        """Compile a source with the bytecode back end, or take the code from the disk cache if there is one."""
        from tmplmon.pipeline import compile_to_bytecode

        if self.cache_dir is None or self._needs_jinja2(source):
            return compile_to_bytecode(self, source, name, file, generating)
        from tmplmon.diskcache import DiskCache

        cache = DiskCache(self.cache_dir)
        key = self._cache_key(source, name, file, generating)
        code = cache.get(key)
        if code is None:
            code = compile_to_bytecode(self, source, name, file, generating)
            cache.put(key, code)
        return code

    def _cache_key(self, source: str, name: str | None, file: str, generating: bool) -> tuple[Any, ...]:
        """Return everything on which the code for a source depends, except what linking checks."""
        syntax = tuple(getattr(self, option) for option in _SYNTAX_OPTIONS)
        tags: tuple[Any, ...] = ()
        if self.extensions:
            tags = *sorted(self.extensions), *sorted(self.syntax.tags), *self.syntax.custom_tags
        options = (
            self._eval_context(name).autoescape,
            self.newline_sequence,
            bool(self.policies["ext.i18n.trimmed"]),
            self.newstyle_gettext,
            self.is_async,
            self._native,
            self.source_map,
            self.stepping,
            None if self.finalize is None else (pass_arg_of(self.finalize),),
            is_inlinable(self.getattr),
            is_inlinable(self.getitem),
        )
        return name, file, generating, source, syntax, tags, options

    def _make(
        self,
        source: str,
        name: str | None,
        filename: str | None,
        globals: MutableMapping[str, Any] | None,
        uptodate: Callable[[], bool] | None,
        cls: type[Template] | None = None,
    ) -> Template:
        """Create a template from a source. Raises TemplateSyntaxError."""
        if self.extensions:
            source = str(self.preprocess(source, name, filename))
        if filename is None:
            file = file_of(name)
        else:
            file = os.path.abspath(filename)
            note_file(file, name, self)
        try:
            code = self._compile_source(source, name, file)
        except TemplateSyntaxError as error:
            error.in_file(filename)
            # Without the frames of lexer and parser: error pages that show variables would show their large tables.
            raise error.with_traceback(None) from error.__cause__
        return (cls or self.template_class)._make(self, source, code, name, filename, globals, uptodate)

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> Any:
        """Return the syntax tree of a source, for the functions of `tmplmon.meta`. Raises TemplateSyntaxError."""
        from tmplmon.meta import parsed

        return parsed(self, self.preprocess(str(source), name, filename), name, filename)

    def lex(
        self, source: str, name: str | None = None, filename: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """Return an iterator over the raw tokens of a source, including whitespace and delimiters: (line, from 1;
        kind; text). Raises TemplateSyntaxError during iteration."""
        from tmplmon.syntax.raw import raw_tokens

        return raw_tokens(str(source), self.syntax, name, filename)

    def compile_expression(self, source: str, undefined_to_none: bool = True) -> TemplateExpression:
        """Compile an expression, written without delimiters, to a function of the names that it uses.

        undefined_to_none: the function returns None in place of an undefined value.

        Raises TemplateSyntaxError.
        """
        from tmplmon.pipeline import compile_expression

        code = compile_expression(self, source)
        template = self.template_class._make(self, source, code, None, "<expression>", None, None)
        return TemplateExpression(template, undefined_to_none)

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """Raise the exception that is being handled, with a traceback that shows templates and not the engine.

        Raises RuntimeError if no exception is being handled.
        """
        error = sys.exception()
        if not isinstance(error, Exception):
            raise error or RuntimeError("no exception is being handled")
        raise of_template(error)

    # --- loading -------------------------------------------------------------------------------------------

    def from_string(
        self,
        source: str,
        globals: MutableMapping[str, Any] | None = None,
        template_class: type[Template] | None = None,
    ) -> Template:
        """Create a template from a string.

        globals: names and values for this template, in addition to the environment's.
        template_class: the class of the template; by default the environment's.

        Raises TypeError if `source` is not a str, and TemplateSyntaxError.
        """
        if not isinstance(source, str):
            hint = "; decode it first" if isinstance(source, (bytes, bytearray)) else ""
            raise TypeError(f"the source of a template is a str, not {type(source).__name__}{hint}")
        return self._make(str(source), None, None, _own(globals), None, template_class)

    def get_template(
        self, name: Name, parent: str | None = None, globals: MutableMapping[str, Any] | None = None
    ) -> Template:
        """Return the template of this name, from the cache or the loader.

        name: a name, or a path as an `os.PathLike`; a template is returned as it is.
        parent: the name of the template that refers to it, for `join_path`.
        globals: names and values for the returned template, in addition to the environment's. Other callers who get
            a template of this name do not see them.

        Raises TypeError without a loader, TemplateNotFound, TemplateSyntaxError, and what the loader raises.
        """
        if isinstance(name, Template):
            return name._checked()
        if isinstance(name, os.PathLike):
            name = _name_of(name)
        if parent is not None:
            name = self.join_path(name, parent)
        return self._load_template(name, globals)

    def select_template(
        self,
        names: Iterable[Name],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """Return the first of several templates that exists. Arguments and errors are those of `get_template`.

        Raises TemplatesNotFound if none of them exists or `names` is empty.
        """
        if isinstance(names, Undefined):
            names._fail_with_undefined_error()
        if not names:
            raise TemplatesNotFound(message="Tried to select from an empty list of templates.")
        tried: list[Any] = []
        for name in names:
            if isinstance(name, Template):
                return name._checked()
            if isinstance(name, os.PathLike):
                name = _name_of(name)
            tried.append(name if parent is None else self.join_path(name, parent))
            try:
                return self._load_template(tried[-1], globals)
            except (TemplateNotFound, UndefinedError):
                pass
        raise TemplatesNotFound(tried)

    def get_or_select_template(
        self,
        template_name_or_list: Name | Iterable[Name],
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        """Call `get_template` for one name, `select_template` for an iterable of names."""
        if isinstance(template_name_or_list, (str, Undefined, os.PathLike)):
            name: Any = template_name_or_list
            return self.get_template(name, parent, globals)
        if isinstance(template_name_or_list, Template):
            return template_name_or_list._checked()
        return self.select_template(template_name_or_list, parent, globals)

    def join_path(self, template: str, parent: str) -> str:
        """Return the name under which to load a template to which another one refers. By default the name itself;
        a subclass may make names relative.

        template: the name in the referring template. parent: the referring template's name.
        """
        return template

    def _ready_template(self, name: object) -> Template | None:
        """Return the cached template of a name if it can be used as it is: without calling the loader or
        `join_path`, linking, or counting the use. Otherwise return None."""
        cache = self.cache
        if cache is None or self.auto_reload or self._joins_paths or type(name) is not str:
            return None
        entry = cache.get(name)
        if entry is None or len(cache) > self._lru_threshold:
            return None
        loader, template = entry
        return template if loader is self.loader and template._linked == self._changes[0] else None

    def _load_template(self, name: str, globals: MutableMapping[str, Any] | None) -> Template:
        loader, cache = self.loader, self.cache
        if loader is None:
            raise TypeError("no loader for this environment specified")
        if cache is not None:
            entry = cache.get(name) if type(name) is str else None
            if entry is not None and entry[0] is loader:
                template = entry[1]
                if not self.auto_reload or template._uptodate is None or template._uptodate():
                    if len(cache) > self._lru_threshold:
                        # The most recently used is the last. Uses are not counted while there is room.
                        try:
                            cache.move_to_end(name)
                        except KeyError:  # Another thread has dropped it.
                            cache[name] = entry
                    if template._linked != self._changes[0]:
                        template._link()
                    return template._with_globals(globals) if globals else template
        if cache is None:
            return loader.load(self, name, _own(globals))
        template = loader.load(self, name, {})
        cache.pop(name, None)
        cache[name] = loader, template
        if self._cache_size > 0:
            _drop_oldest(cache, self._cache_size)
        return template._with_globals(globals) if globals else template

    def _load(self, loader: "BaseLoader", name: str, globals: MutableMapping[str, Any] | None) -> Template:
        """Create the template that a loader has under a name. Raises what `get_template` raises."""
        source, filename, uptodate = loader.get_source(self, name)
        return self._make(source, name, filename, globals, uptodate)

    def list_templates(
        self,
        extensions: Sequence[str] | None = None,
        filter_func: Callable[[str], bool] | None = None,
    ) -> list[str]:
        """Return the names of all templates of the loader.

        extensions: return only names with one of these extensions, written without the dot.
        filter_func: return only names for which this function is true.

        Raises TypeError without a loader, if the loader cannot list its templates, or if both arguments are passed.
        """
        if self.loader is None:
            raise TypeError("no loader for this environment specified")
        names = self.loader.list_templates()
        if extensions is not None:
            if filter_func is not None:
                raise TypeError("either extensions or filter_func can be passed, but not both")
            return [name for name in names if "." in name and name.rsplit(".", 1)[1] in extensions]
        return names if filter_func is None else [name for name in names if filter_func(name)]

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template as a mapping: those in `d`, then the environment's."""
        return ChainMap(d if d is not None else {}, self.globals)


def _own(globals: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
    """Return a copy of globals for one template."""
    return {} if globals is None else dict(globals)


_OVERLAY_OPTIONS = frozenset(
    (
        *_SYNTAX_OPTIONS,
        *("newline_sequence", "optimized", "undefined", "finalize", "autoescape", "loader"),
        *("auto_reload", "cache_dir", "backend", "source_map"),
    )
)

Template.environment_class = Environment

# (class, options …) → the environment of the templates made with `Template(source, …)` and these options.
_shared: OrderedDict[tuple[Any, ...], Environment] = OrderedDict()
_MOST_SHARED = 10


def _name_of(path: os.PathLike[str]) -> str:
    """Return the name of a template for a path: the parts of the path, joined by `/`."""
    return os.fspath(path).replace(os.sep, "/")


def _drop_oldest(cache: OrderedDict[Any, Any], size: int) -> None:
    """Remove the oldest entries of a cache until it has `size` entries.

    Other threads may do this at the same time, so each step is one call and there is no iteration.
    """
    while len(cache) > size:
        try:
            cache.popitem(last=False)
        except KeyError:
            break


def clear_caches() -> None:
    """Drop the environments that templates made with `Template(source)` share."""
    _shared.clear()
