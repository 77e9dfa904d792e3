"""The engines that run a case: tmplmon, and Jinja2 as the oracle.

Both have the same Python API, so an engine is a module. Only this file turns the sections of a case into objects of
that module.
"""

import asyncio
import functools
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import CodeType, ModuleType, TracebackType
from typing import Any

from . import objects
from .casefile import Case

ROOT = "/templates/"  # the folder in the file names of all templates, by which their frames are recognized
SPECIAL = ("native", "sandbox", "filters", "tests", "globals", "policies", "translations", "newstyle")


@dataclass(frozen=True)
class Engine:
    """An engine.

    name: the name of its module.  defaults: arguments of all its environments.
    """

    name: str
    defaults: tuple[tuple[str, Any], ...] = ()

    @property
    def module(self) -> ModuleType:
        return importlib.import_module(self.name)

    @property
    def native_environment(self) -> type:
        return importlib.import_module(f"{self.name}.nativetypes").NativeEnvironment

    def namespace(self) -> dict[str, Any]:
        """The names that the sections ``options`` and ``context`` can use."""
        return objects.namespace(self.module)

    def environment(self, templates: dict[str, str], **options: Any) -> Any:
        """An environment that loads these templates (name → source)."""
        special = {name: options.pop(name) for name in SPECIAL if name in options}
        extensions = options.get("extensions", ())
        options["extensions"] = [f"{self.name}.ext.{e}" if isinstance(e, str) else e for e in extensions]

        def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
            if name not in templates:
                return None
            return templates[name], ROOT + name, lambda: True

        cls = self.native_environment if special.get("native") else self.module.Environment
        if "sandbox" in special:
            cls = getattr(importlib.import_module(f"{self.name}.sandbox"), special["sandbox"])
        environment = cls(**{"loader": self.module.FunctionLoader(load), **dict(self.defaults), **options})
        for table in ("filters", "tests", "globals", "policies"):
            getattr(environment, table).update(special.get(table, {}))
        if "translations" in special:
            install_translations(environment, special["translations"], special.get("newstyle", False))
        return environment


def install_translations(environment: Any, catalog: dict[str, str], newstyle: bool) -> None:
    """Install gettext functions that look up ``message``, ``singular|plural`` and ``context!message`` in a dict."""

    def gettext(message: str) -> str:
        return catalog.get(message, message)

    def ngettext(singular: str, plural: str, n: int) -> str:
        return catalog.get(f"{singular}|{plural}", f"{singular}|{plural}").split("|")[n != 1]

    def pgettext(context: str, message: str) -> str:
        return catalog.get(f"{context}!{message}", message)

    def npgettext(context: str, singular: str, plural: str, n: int) -> str:
        return catalog.get(f"{context}!{singular}|{plural}", f"{singular}|{plural}").split("|")[n != 1]

    environment.install_gettext_callables(gettext, ngettext, newstyle, pgettext, npgettext)


JINJA2 = Engine("jinja2")
TMPLMON = Engine("tmplmon")
ORACLE = JINJA2
ENGINES = (JINJA2, TMPLMON)


@dataclass(frozen=True)
class Outcome:
    """The result of a case.

    output: the text, or the repr of a native value.  error: the error as a case file shows it.
    message: the message of a syntax error.  events: the executed lines, if they were recorded.
    """

    output: str | None = None
    error: str | None = None
    message: str | None = None
    events: str | None = None


def run(engine: Engine, case: Case, *, enable_async: bool = False, events: bool = False) -> Outcome:
    """Render the main template of a case. With `events`, also record the executed lines."""
    options = evaluate(case.sections.get("options", ""), engine)
    if enable_async:
        options["enable_async"] = True
    variables = evaluate(case.sections.get("context", ""), engine)
    renderer = case.sections.get("run", "render")
    if renderer == "native" and enable_async:
        renderer = "native_async"  # NativeTemplate.render works in synchronous environments only
    lines: list[tuple[str, int]] = []
    try:
        template = engine.environment(case.templates, **options).get_template("main")
        if not events:
            return Outcome(output=RENDERERS[renderer](template, variables))
        with executed_lines() as lines:
            output = RENDERERS[renderer](template, variables)
        return Outcome(output=output, events=show_lines(lines))
    except Exception as error:
        return replace(describe(error), events=show_lines(lines) if events else None)


def evaluate(text: str, engine: Engine) -> dict[str, Any]:
    """The variables that a section of Python assignments binds."""
    names = Names(engine.namespace())
    exec(compiled(text), names.namespace, names)
    return dict(names)


@functools.lru_cache(64)
def compiled(text: str) -> CodeType:
    return compile(text, "<case>", "exec")


class Names(dict[str, Any]):
    """Local variables that are also stored among the globals, so that functions defined there find each other."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        super().__init__()
        self.namespace = namespace

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self.namespace[name] = value


def render(template: Any, variables: dict[str, Any]) -> str:
    return template.render(variables)


def render_native(template: Any, variables: dict[str, Any]) -> str:
    return repr(template.render(variables))


def render_native_async(template: Any, variables: dict[str, Any]) -> str:
    return repr(asyncio.run(template.render_async(variables)))


def generate(template: Any, variables: dict[str, Any]) -> str:
    return "".join(template.generate(variables))


def module(template: Any, variables: dict[str, Any]) -> str:
    """The text of the template's module, and the names that it exports; or the type of the error.

    Jinja2 does not change the traceback of such an error to show the lines of templates.
    """
    try:
        made = template.make_module(variables)
    except Exception as error:
        return f"[{type(error).__name__}]"
    return f"{made} {sorted(name for name in vars(made) if not name.startswith('_'))}"


def stream(template: Any, variables: dict[str, Any]) -> str:
    return "".join(template.stream(variables))


def render_async(template: Any, variables: dict[str, Any]) -> str:
    return asyncio.run(template.render_async(variables))


def generate_async(template: Any, variables: dict[str, Any]) -> str:
    async def collect() -> str:
        return "".join([piece async for piece in template.generate_async(variables)])

    return asyncio.run(collect())


RENDERERS: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "render": render,
    "native": render_native,
    "native_async": render_native_async,
    "generate": generate,
    "stream": stream,
    "module": module,
    "render_async": render_async,
    "generate_async": generate_async,
}


def describe(error: Exception) -> Outcome:
    """The outcome for an error: ``Type at template:line`` and the message. The message of a syntax error is kept
    apart, as each engine has its own wording."""
    kind = type(error).__name__
    message = without_addresses(str(error))
    message = re.sub(r"\b(jinja2|tmplmon)(\.\w+)*\.(?=[A-Z])", "", message)  # the module of a class
    if any(base.__name__ == "TemplateSyntaxError" for base in type(error).__mro__):
        name = str(error.name).removeprefix(ROOT)  # Jinja2's lexer stores the file name in `name`
        return Outcome(error=f"{kind} at {name}:{error.lineno}", message=error.message)
    where = innermost_template_line(error.__traceback__)
    first = f"{kind} at {where}" if where else kind
    return Outcome(error=f"{first}\n{message}" if message else first)


def without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]{8,}", "0x...", text, flags=re.IGNORECASE)


def innermost_template_line(traceback: TracebackType | None) -> str | None:
    """``template:line`` of the innermost frame of a template."""
    where = None
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if name.startswith(ROOT):
            where = f"{name.removeprefix(ROOT)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return where


@contextmanager
def executed_lines() -> Iterator[list[tuple[str, int]]]:
    """Collect (template, line) for each LINE event of a template while the block runs."""
    lines: list[tuple[str, int]] = []
    monitoring = sys.monitoring
    tool = monitoring.PROFILER_ID

    def on_line(code: CodeType, line: int) -> None:
        if code.co_filename.startswith(ROOT):
            lines.append((code.co_filename.removeprefix(ROOT), line))

    monitoring.use_tool_id(tool, "case-events")
    monitoring.register_callback(tool, monitoring.events.LINE, on_line)
    monitoring.set_events(tool, monitoring.events.LINE)
    try:
        yield lines
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)


def show_lines(lines: list[tuple[str, int]]) -> str:
    """A line ``template: 1 2 3`` for each stretch of events in one template."""
    stretches: list[tuple[str, list[str]]] = []
    for name, line in lines:
        if not stretches or stretches[-1][0] != name:
            stretches.append((name, []))
        stretches[-1][1].append(str(line))
    return "\n".join(f"{name}: {' '.join(numbers)}" for name, numbers in stretches)
