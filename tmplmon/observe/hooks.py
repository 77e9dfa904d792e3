"""What is replaced in Jinja2 while its templates are observed.

Rule: Jinja2 calls these functions where it called its own, and each calls the one that it replaces. Classes that
applications derive from Jinja2's therefore work as before.
"""

import os
import threading
from collections.abc import Callable
from functools import wraps
from types import CodeType, TracebackType
from typing import Any

import jinja2.bccache
import jinja2.compiler
import jinja2.debug
import jinja2.environment
import jinja2.lexer
from jinja2.lexer import TokenStream

from tmplmon.jinjaparser.places import placed
from tmplmon.loaded import note
from tmplmon.monitoring.announced import announce
from tmplmon.monitoring.lines import unify_newlines
from tmplmon.observe.compiling import MARKER, compile_marked
from tmplmon.observe.marks import RECORDER, MarkedSource, visit
from tmplmon.observe.strings import find

# Changes with the code that is put into bytecode caches.
_FORMAT = 1


class _Latest(threading.local):
    """What this thread compiles: the source that was generated last, and the file that a string is in."""

    source: MarkedSource | None = None
    place: tuple[str, int] | None = None


_latest = _Latest()
_replaced: list[tuple[Any, str, Any]] = []


def install() -> None:
    """Replace the functions. Does nothing if they are."""
    if not _replaced:
        for owner, name, make in _HOOKS:
            _replaced.append((owner, name, owner.__dict__.get(name)))
            setattr(owner, name, make(getattr(owner, name)))


def uninstall() -> None:
    """Undo `install`. Templates that were compiled meanwhile stay as they are."""
    while _replaced:
        owner, name, original = _replaced.pop()
        if original is None:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def is_installed() -> bool:
    """Whether the functions are replaced."""
    return bool(_replaced)


def _tokenize(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def tokenizing(
        self: Any, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        raw = placed(self.tokeniter(source, name, filename, state), unify_newlines(source))
        return TokenStream(self.wrap(raw, name, filename), name, filename)

    return tokenizing


def _visit_template(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def visiting(self: Any, node: Any, *args: Any, **kwargs: Any) -> None:
        original(self, node, *args, **kwargs)
        recorder = self.__dict__.get(RECORDER)
        if recorder is not None and recorder.root is not None:
            recorder.leave(recorder.root, self.stream.tell())
            _latest.source = MarkedSource(self.stream.getvalue(), recorder.root)

    return visiting


def _compile(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def compiling(self: Any, source: str, filename: str) -> CodeType:
        marked, _latest.source = _latest.source, None
        if marked is not None and marked.text == source:
            file, lines_before = _latest.place or (filename, 0)
            try:
                return compile_marked(marked, file, lines_before)
            except (SyntaxError, RecursionError, MemoryError):
                pass  # Jinja2's own code has the same error, or is less deep.
        code: CodeType = original(self, source, filename)
        return code

    return compiling


def _compile_string(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def compiling(
        self: Any,
        source: Any,
        name: str | None = None,
        filename: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        outer = _latest.place
        _latest.place = find(source) if filename is None and isinstance(source, str) else None
        try:
            return original(self, source, name, filename, *args, **kwargs)
        finally:
            _latest.place = outer

    return compiling


def _from_namespace(original: Any) -> Any:
    def creating(cls: Any, environment: Any, namespace: Any, globals: Any) -> Any:
        template = original.__func__(cls, environment, namespace, globals)
        if MARKER in namespace:
            functions = (namespace["root"], *namespace["blocks"].values())
            announce(*(function.__code__ for function in functions))
            if template.filename != "<template>":
                note(os.path.abspath(template.filename), template.name, environment, is_jinja2=True)
        return template

    return classmethod(wraps(original.__func__)(creating))


def _of_cache(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def naming(self: Any, *args: Any, **kwargs: Any) -> str:
        # Code in a cache has other lines than that of processes that do not observe.
        return f"{original(self, *args, **kwargs)}-tmplmon{_FORMAT}"

    return naming


def _fake_traceback(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def showing(exc_value: Any, tb: TracebackType | None, filename: str, lineno: int) -> TracebackType:
        if tb is not None and MARKER in tb.tb_frame.f_globals:
            return tb
        fake: TracebackType = original(exc_value, tb, filename, lineno)
        return fake

    return showing


_HOOKS: tuple[tuple[Any, str, Callable[[Any], Any]], ...] = (
    (jinja2.lexer.Lexer, "tokenize", _tokenize),
    (jinja2.compiler.CodeGenerator, "visit", lambda original: visit),
    (jinja2.compiler.CodeGenerator, "visit_Template", _visit_template),
    (jinja2.environment.Environment, "compile", _compile_string),
    (jinja2.environment.Environment, "_compile", _compile),
    (jinja2.environment.Template, "_from_namespace", _from_namespace),
    (jinja2.bccache.BytecodeCache, "get_cache_key", _of_cache),
    (jinja2.bccache.BytecodeCache, "get_source_checksum", _of_cache),
    (jinja2.debug, "fake_traceback", _fake_traceback),
)
