"""Environments for untrusted templates: rules decide what a template may look up, call and create.

    from tmplmon.sandbox import SandboxedEnvironment

The modules, in the order in which a reader needs them:

    environment  the two environments; every decision is taken here
    names        which attributes are refused, and which methods modify a list, dict or set
    calls        which values may be called, and the checked functions that replace some of them
    formatting   `str.format`, with fields looked up by the rules for attributes
    limits       how large a value may become
    measure      the length of a value's text, estimated before the text is made
    operations   the table: how large the result of each operation can be, and how long it takes
    methods      checks of methods that need more than a formula
    hidden       namespaces and imported modules, which have no attributes for Python
    filters      the built-in filters and globals, with checks
    template     the template class
    spending     the fuel that filters take from a budget

and for renderings in worker processes:

    wire         messages between a pool and its workers
    worker       what a worker process does
    pool         the pool
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from tmplmon.sandbox.pool import (
        PoolBusy,
        RemoteError,
        WorkerDied,
        WorkerError,
        WorkerLimitExceeded,
        WorkerLimits,
        WorkerPool,
    )


def __getattr__(name: str) -> Any:
    """Import the pool on first use: it needs `multiprocessing`, which takes 20 ms."""
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tmplmon.sandbox.pool"), name)


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
    "PoolBusy",
    "RemoteError",
    "SandboxedEnvironment",
    "SandboxedEscapeFormatter",
    "SandboxedFormatter",
    "SecurityError",
    "Spending",
    "WorkerDied",
    "WorkerError",
    "WorkerLimitExceeded",
    "WorkerLimits",
    "WorkerPool",
    "is_internal_attribute",
    "modifies_known_mutable",
    "safe_range",
    "unsafe",
]
