"""The default filters, tests, globals and policies of environments.

Environments have copies of these tables. Change the tables of an environment and not these.
"""

from tmplmon.runtime.filters import FILTERS as DEFAULT_FILTERS
from tmplmon.runtime.globals import DEFAULT_POLICIES
from tmplmon.runtime.globals import GLOBALS as DEFAULT_NAMESPACE
from tmplmon.runtime.tests import TESTS as DEFAULT_TESTS

__all__ = ["DEFAULT_FILTERS", "DEFAULT_NAMESPACE", "DEFAULT_POLICIES", "DEFAULT_TESTS"]
