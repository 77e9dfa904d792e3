"""The exceptions, where applications of Jinja2 look for them; `errors` defines them."""

from tmplmon.errors import *  # noqa: F403
