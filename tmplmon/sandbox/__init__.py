"""Environments for templates that strangers wrote: what they may look up, call and make is decided by rules.

    from tmplmon.sandbox import SandboxedEnvironment

The modules in the order in which they are met:

    environment  the two environments, and where each decision is taken
    names        which attributes are refused, and what modifies a list, dict or set
    calls        which values may be called, and what is called in their place
    formatting   `str.format`, with its fields looked up as a template looks attributes up
    limits       how large a value may get
    template     its templates
    spending     what the work of filters takes from a budget
"""

from tmplmon.errors import SecurityError
from tmplmon.runtime.budget import Budget, Limits, Spending
from tmplmon.sandbox.environment import ImmutableSandboxedEnvironment, SandboxedEnvironment
from tmplmon.sandbox.formatting import SandboxedEscapeFormatter, SandboxedFormatter
from tmplmon.sandbox.limits import MAX_RANGE, safe_range
from tmplmon.sandbox.names import (
    UNSAFE_ASYNC_GENERATOR_ATTRIBUTES,
    UNSAFE_COROUTINE_ATTRIBUTES,
    UNSAFE_FUNCTION_ATTRIBUTES,
    UNSAFE_GENERATOR_ATTRIBUTES,
    UNSAFE_METHOD_ATTRIBUTES,
    is_internal_attribute,
    modifies_known_mutable,
    unsafe,
)

__all__ = [
    "MAX_RANGE",
    "UNSAFE_ASYNC_GENERATOR_ATTRIBUTES",
    "UNSAFE_COROUTINE_ATTRIBUTES",
    "UNSAFE_FUNCTION_ATTRIBUTES",
    "UNSAFE_GENERATOR_ATTRIBUTES",
    "UNSAFE_METHOD_ATTRIBUTES",
    "Budget",
    "ImmutableSandboxedEnvironment",
    "Limits",
    "SandboxedEnvironment",
    "SandboxedEscapeFormatter",
    "SandboxedFormatter",
    "SecurityError",
    "Spending",
    "is_internal_attribute",
    "modifies_known_mutable",
    "safe_range",
    "unsafe",
]
