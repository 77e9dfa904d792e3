"""The context of a rendering: the names that the template was passed, the names that it has set, and its blocks.

Rule: names are looked up when a scope is entered (``names[key] if key in names else default``), and not in loops.
So a context is flat: one dict has all names. A context for an include copies the dict, which takes less time than
look-ups in a chain of dicts.
"""

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any

from tmplmon.runtime.blocks import Block, BlockTable, super_of
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from tmplmon.environment import Environment
    from tmplmon.template import Template


class EvalContext:
    """The settings that decide whether output is escaped.

    All renderings with the same settings share one, so it cannot be changed: assigning to an attribute raises
    AttributeError.

    environment: the template's environment.
    autoescape: whether output is escaped.
    volatile: whether `autoescape` is not known at compile time; always false, for compatibility.
    """

    __slots__ = ("autoescape", "environment", "volatile")

    environment: "Environment"
    autoescape: bool
    volatile: bool

    def __init__(self, environment: "Environment", template_name: str | None = None) -> None:
        autoescape = environment.autoescape
        self._fill(environment, autoescape(template_name) if callable(autoescape) else bool(autoescape))

    @classmethod
    def make(cls, environment: "Environment", autoescape: bool) -> "EvalContext":
        """Return one with this value of `autoescape`, without asking the environment."""
        self = cls.__new__(cls)
        self._fill(environment, autoescape)
        return self

    def _fill(self, environment: "Environment", autoescape: bool) -> None:
        for name, value in (("environment", environment), ("autoescape", autoescape), ("volatile", False)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"{name!r} of an evaluation context cannot be changed, as other renderings share it;"
            " use {% autoescape %} in the template, or the environment's option autoescape"
        )

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __reduce__(self) -> tuple[Any, ...]:
        return EvalContext.make, (self.environment, self.autoescape)


class _Origin:
    """Takes the place of the template in a context that was created without one."""

    __slots__ = ("_own_globals", "environment", "name")

    def __init__(self, environment: "Environment", name: str | None, globals: Mapping[str, Any]) -> None:
        self.environment = environment
        self.name = name
        self._own_globals = globals


NOTHING_LOADED: dict[Any, Any] = {}
"""`Context.loaded` of a rendering that has included nothing yet. It is never changed."""


class Context:
    """The variables of one rendering of a template. Functions marked with `pass_context` get it.

    It is a read-only mapping of all names to their values.

    environment: the template's environment.
    parent: the names that the template was passed: the globals and the arguments of `render`.
    name: the template's name; None for a template from a string.
    blocks: block name → the blocks of that name in the inheritance chain, the most derived first.
    globals: the globals of the template that are not the environment's.
    """

    # A context is created for every rendering and most includes. Attributes that few of them use have their
    # defaults in the class.
    _vars: dict[str, Any] | None = None
    _exported: set[str] | None = None
    _without_globals = False

    loaded: dict[Any, Any] = NOTHING_LOADED
    """Site of an include → the template that it has loaded in this rendering. All contexts of a rendering share
    it."""

    # The mapping in which scopes look names up: a dict, or an object that has every name (`_Alone`,
    # `_Resolving`). A ``set`` at the top level replaces it by a copy. It may not have the environment's
    # globals, because scopes get those that they use when they are linked.
    names: Any
    _given: Any

    # The template, which has `environment`, `name` and the globals.
    _origin: Any

    def __init__(
        self,
        environment: "Environment",
        parent: dict[str, Any],
        name: str | None,
        blocks: Mapping[str, tuple[Block, ...]],
        globals: Mapping[str, Any] | None = None,
    ) -> None:
        self._origin = _Origin(environment, name, globals if globals is not None else {})
        self._parent: dict[str, Any] | None = parent
        self._given = parent
        self.names = parent if type(self).resolve_or_missing is _resolve_or_missing else _Resolving(self)
        self.blocks = blocks if isinstance(blocks, BlockTable) else BlockTable.of(blocks)
        self.eval_ctx = environment._eval_context(name)

    @property
    def parent(self) -> dict[str, Any]:
        """The names that the template was passed, with the globals. Templates do not change it."""
        if self._parent is None:
            self._parent = {**self._origin.environment.globals, **self._given}
        return self._parent

    @property
    def environment(self) -> Any:
        return self._origin.environment

    @property
    def name(self) -> str | None:
        return self._origin.name  # type: ignore[no-any-return]

    @property
    def globals_keys(self) -> Mapping[str, Any]:
        """The globals of the template that are not the environment's. Templates that it imports get them too."""
        return self._origin._own_globals  # type: ignore[no-any-return]

    @property
    def vars(self) -> dict[str, Any]:
        """The names set at the top level of the template. Scopes that are entered later see changes of it."""
        if self._vars is None:
            self._vars = {}
        if type(self.names) is not _Resolving:
            self.names = _Resolving(self)
        return self._vars

    @property
    def exported_vars(self) -> set[str]:
        """The names in `vars` that importing templates get."""
        if self._exported is None:
            self._exported = set()
        return self._exported

    def set(self, name: str, value: Any, exported: bool = True) -> None:
        """Set a name at the top level of the template. It is exported unless it begins with an underscore or
        `exported` is false."""
        if self._vars is None:
            self._vars = {}
        self._vars[name] = value
        if exported and name[:1] != "_":
            self.exported_vars.add(name)
        elif self._exported is not None:
            self._exported.discard(name)
        if type(self.names) is _Resolving:
            return
        if self.names is self._given:
            self.names = self._given.copy()
        self.names[name] = value

    def resolve(self, key: str) -> Any:
        """Return the value of a name, or an undefined value."""
        value = self.resolve_or_missing(key)
        return self.environment.undefined(name=key) if value is missing else value

    def resolve_or_missing(self, key: str) -> Any:
        """Return the value of a name, or `missing`. A subclass may override it."""
        if self._vars is not None and key in self._vars:
            return self._vars[key]
        return self.parent.get(key, missing)

    def get_all(self) -> dict[str, Any]:
        """Return all names and values. The dict must not be changed."""
        return {**self.parent, **self._vars} if self._vars else self.parent

    def get_exported(self) -> dict[str, Any]:
        """Return the exported names and their values, as a new dict."""
        values = self._vars or {}
        return {name: values[name] for name in self._exported or ()}

    def derived(self, locals: Mapping[str, Any] | None = None) -> "Context":
        """Return a context of the same template that also has the names in `locals`. Scoped blocks and
        functions that ask for the context get it."""
        parent = {**self.get_all(), **locals} if locals else self.get_all()
        cls = Context if type(self) is TemplateContext else type(self)
        context = cls(self.environment, parent, self.name, self.blocks, self.globals_keys)
        context._origin = self._origin
        context.eval_ctx = self.eval_ctx
        context.loaded = self.loaded
        return alone(context, parent) if is_alone(self) else context

    def super(self, name: str, current: Any) -> Any:
        """Return the block that follows `current` in the inheritance chain of `name`, as a callable; an undefined
        value if there is none."""
        return super_of(self, name, current)

    def call(self, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call `obj` as a template does: with the first argument that its marker asks for.

        If it raises StopIteration, return an undefined value, because a template that is a generator cannot
        raise it. Raises all other exceptions of `obj`.
        """
        return self.environment._call(self, obj, *args, **kwargs)

    # As a mapping.

    def __contains__(self, name: str) -> bool:
        return self.resolve_or_missing(name) is not missing

    def __getitem__(self, key: str) -> Any:
        value = self.resolve_or_missing(key)
        if value is missing:
            raise KeyError(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        value = self.resolve_or_missing(key)
        return default if value is missing else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.get_all())

    def __len__(self) -> int:
        return len(self.get_all())

    def keys(self) -> KeysView[str]:
        return self.get_all().keys()

    def values(self) -> ValuesView[Any]:
        return self.get_all().values()

    def items(self) -> ItemsView[str, Any]:
        return self.get_all().items()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.get_all()!r} of {self.name!r}>"


class TemplateContext(Context):
    """The context of a template whose environment has the default context class. It is faster to create.
    `names` need not have the environment's globals."""

    _parent = None

    def __init__(self, template: "Template", names: dict[str, Any]) -> None:
        self._origin = template
        self._given = self.names = names
        self.blocks = template._table
        self.eval_ctx = template._eval_ctx


_resolve_or_missing = Context.resolve_or_missing
Mapping.register(Context)  # pyright: ignore[reportAttributeAccessIssue]


def alone[C: Context](context: C, names: dict[str, Any]) -> C:
    """Restrict a new context to `names`, without the globals, and return it."""
    context._parent = context._given = names
    context._without_globals = True
    if type(context.names) is dict:
        context.names = _Alone(names, context.environment)
    return context


def is_alone(context: Context) -> bool:
    """Whether `alone` has restricted a context."""
    return context._without_globals


class _Alone(dict[str, Any]):
    """The `names` of a context without globals. A missing name is undefined, even if the scope has a global for
    it."""

    def __init__(self, names: Mapping[str, Any], environment: "Environment") -> None:
        super().__init__(names)
        self._environment = environment

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return self._environment.undefined(name=name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]


class _Resolving:
    """The `names` of a context that resolves each name when it is read.

    Its class overrides `resolve_or_missing`, or a function has read its `vars` and may change them.
    """

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def __contains__(self, name: str) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        value = self._context.resolve_or_missing(name)
        return self._context.environment.undefined(name=name) if value is missing else value

    def get(self, name: str, default: Any) -> Any:
        return self[name]
