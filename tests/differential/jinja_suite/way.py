"""A pytest plugin: tests that import `jinja2` get what the environment variable TMPLMON_JINJA2 says."""

from tmplmon.starting import install_from_variable

install_from_variable()
