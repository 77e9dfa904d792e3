"""Modules of the engine that are changed while they are imported, and functions that are changed afterwards.

`watch` adds to each statement inside a function a mark that it has run: one store into a byte array, which takes
30 ns and needs neither a trace function nor a tool of `sys.monitoring`, both of which the tests use themselves.
"""

import ast
import builtins
import gc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .operators import Mutant, mutated, statement_numbers

MARKS = "__mutation_marks__"
MOST_STATEMENTS = 1 << 17

Transform = Callable[[str, str], ast.Module | None]
"""From a module's path relative to the root, and its source, to its tree; None leaves the module as it is."""


class Finder(MetaPathFinder):
    """Finds the modules of the package ``tmplmon``, which are compiled from trees that `transform` makes."""

    def __init__(self, root: Path, transform: Transform) -> None:
        self.root = root
        self.transform = transform

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != "tmplmon":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path or [str(self.root)], target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path, self)
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, finder: Finder) -> None:
        super().__init__(name, path)
        self.finder = finder

    def get_code(self, fullname: str) -> CodeType | None:
        source = Path(self.path).read_text("utf-8")
        relative = Path(self.path).relative_to(self.finder.root).as_posix()
        tree = self.finder.transform(relative, source)
        if tree is None:
            return super().get_code(fullname)
        return compile(tree, self.path, "exec", dont_inherit=True)


def install(root: Path, transform: Transform) -> None:
    """Load the engine from ``root`` from now on, through ``transform``."""
    assert "tmplmon" not in sys.modules, "the engine has been imported already"
    sys.meta_path.insert(0, Finder(root, transform))


# --- marks of what has run ---------------------------------------------------------------------------------


class Marks:
    """A byte for each statement of the modules that are watched: whether it has run since `clear`."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = tuple(f"{package}/" for package in packages)
        self.offsets: dict[str, int] = {}  # path of a module → index of its first statement
        self.bytes = bytearray(MOST_STATEMENTS)
        self._end = 0

    def install(self) -> None:
        """Let all watched modules of this process use these marks."""
        setattr(builtins, MARKS, self.bytes)

    def is_installed(self) -> bool:
        return getattr(builtins, MARKS, None) is self.bytes

    def clear(self) -> None:
        self.bytes[:] = bytes(MOST_STATEMENTS)

    def hits(self) -> dict[str, list[int]]:
        """Path of a module → numbers of its statements that have run."""
        hits = {}
        ends = [*list(self.offsets.values())[1:], self._end]
        for (path, start), end in zip(self.offsets.items(), ends, strict=True):
            part = self.bytes[start:end]
            if any(part):
                hits[path] = [index for index, mark in enumerate(part) if mark]
        return hits

    def watch(self, path: str, source: str) -> ast.Module | None:
        """A `Transform` that adds the marks."""
        if not path.startswith(self.packages):
            return None
        tree = ast.parse(source)
        numbers = statement_numbers(tree)
        self.offsets[path] = self._end
        for node in ast.walk(tree):
            for _, value in ast.iter_fields(node):
                if isinstance(value, list) and any(item in numbers for item in value):
                    value[:] = self._with_marks(value, numbers)
        self._end += len(numbers)
        return ast.fix_missing_locations(tree)

    def _with_marks(self, body: list[Any], numbers: dict[ast.stmt, int]) -> Iterator[ast.stmt]:
        marked: list[ast.stmt] = []
        for statement in body:
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not is_text and statement in numbers:
                index = ast.Constant(self._end + numbers[statement])
                where = ast.Subscript(ast.Name(MARKS, ast.Load()), index, ast.Store())
                mark = ast.Assign([where], ast.Constant(1))
                for node in ast.walk(mark):
                    ast.copy_location(node, statement)
                marked.append(mark)
            marked.append(statement)
        return iter(marked)


# --- functions that get other code -------------------------------------------------------------------------


def replace_code(root: Path, mutant: Mutant) -> bool:
    """Give every function of the mutant's module that exists the code of the mutated module.

    False if that cannot be done, and the module has to be imported anew: the mutant changes what runs on import,
    or which variables a function shares with functions inside it.
    """
    module = sys.modules.get(mutant.module)
    if mutant.statement is None or module is None:
        return False
    path = str(root / mutant.path)
    source = Path(path).read_text("utf-8")
    before = list(codes(compile(source, path, "exec", dont_inherit=True)))
    after = list(codes(compile(mutated(mutant, source), path, "exec", dont_inherit=True)))
    if [code.co_qualname for code in before] != [code.co_qualname for code in after]:
        return False
    replacements: dict[tuple[Any, ...], list[CodeType]] = {}
    for old, new in zip(before, after, strict=True):
        if old != new:
            replacements.setdefault(identity(old), []).append(new)
    if not replacements or any(len(each) > 1 for each in replacements.values()):
        return False
    changed = False
    gc.unfreeze()  # what the tests' conftest has frozen is not among the collector's objects
    for function in gc.get_objects():
        if type(function) is not FunctionType or function.__code__.co_filename != path:
            continue
        new_codes = replacements.get(identity(function.__code__))
        if new_codes is not None:
            (code,) = new_codes
            if code.co_freevars != function.__code__.co_freevars:
                return False
            function.__code__ = code
            changed = True
    return changed


def codes(code: CodeType) -> Iterator[CodeType]:
    """The code objects inside of a module's, outermost first."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes(constant)


def identity(code: CodeType) -> tuple[Any, ...]:
    return (code.co_qualname, code.co_firstlineno, next(iter(code.co_positions()), None), code.co_varnames)


def importlib_transform(mutant: Mutant) -> Transform:
    """A `Transform` that puts the mutant into its module."""

    def transform(path: str, source: str) -> ast.Module | None:
        return mutated(mutant, source) if path == mutant.path else None

    return transform
