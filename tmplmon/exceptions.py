"""The exceptions of `tmplmon.errors`, under the module name that Jinja2 has for them."""

from tmplmon.errors import *  # noqa: F403
