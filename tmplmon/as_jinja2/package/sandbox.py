"""The sandbox, which is tmplmon's; other names are those of the installed Jinja2."""

from typing import Any

from jinja2.environment import Environment, Template

from tmplmon import sandbox
from tmplmon.as_jinja2.finding import original
from tmplmon.errors import SecurityError
from tmplmon.sandbox.template import SandboxedTemplate as TmplmonTemplate

__all__ = ["ImmutableSandboxedEnvironment", "SandboxedEnvironment", "SandboxedTemplate", "SecurityError"]


class SandboxedTemplate(TmplmonTemplate, Template):
    """A template of a sandboxed environment."""


class SandboxedEnvironment(sandbox.SandboxedEnvironment, Environment):
    """The environment for untrusted templates."""

    template_class = SandboxedTemplate


class ImmutableSandboxedEnvironment(sandbox.ImmutableSandboxedEnvironment, SandboxedEnvironment):
    """A sandboxed environment in which templates cannot change lists, dicts, sets and deques."""


SandboxedTemplate.environment_class = SandboxedEnvironment


def __getattr__(name: str) -> Any:
    try:
        return getattr(sandbox, name)
    except AttributeError:
        return getattr(original("sandbox"), name)
