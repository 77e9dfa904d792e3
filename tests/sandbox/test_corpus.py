"""Each case of the corpus has the same result in a sandbox, but for one that a sandbox refuses."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cases import casefile
from cases.engines import Engine, run
from cases.test_cases import PATHS, check, each
from effort import every

import tmplmon
from tmplmon.nativetypes import NativeEnvironment
from tmplmon.sandbox import SandboxedEnvironment


class NativeSandbox(SandboxedEnvironment, NativeEnvironment):
    """A sandboxed native environment, as applications combine them."""


class _Module(ModuleType):
    """tmplmon, with sandboxed environments."""

    Environment = SandboxedEnvironment

    def __getattr__(self, name: str) -> Any:
        return getattr(tmplmon, name)


class Sandbox(Engine):
    @property
    def module(self) -> ModuleType:
        return _Module("tmplmon")

    @property
    def native_environment(self) -> type:
        return NativeSandbox


# A case that reads a private attribute, which a sandbox refuses.
PRIVATE = "name_of_the_template.txt"


def check_in_a_sandbox(path: Path, enable_async: bool) -> None:
    case = casefile.read(path)
    if enable_async and case.refusal("async"):
        pytest.skip(f"not with enable_async: {case.refusal('async')}")
    outcome = run(Sandbox("tmplmon"), case, enable_async=enable_async)
    if path.name == PRIVATE:
        assert outcome.error is not None and outcome.error.startswith("SecurityError")
        return
    if outcome.error and "got multiple values for keyword" in outcome.error:
        # Python's message names the called function, which differs here.
        assert outcome.error.partition("() got")[2] == case.sections["error"].partition("() got")[2]
        return
    check(case, outcome)


@each(PATHS)
def test_case(path: Path) -> None:
    check_in_a_sandbox(path, enable_async=False)


@each(every(3, PATHS))
def test_case_in_an_async_environment(path: Path) -> None:
    check_in_a_sandbox(path, enable_async=True)
