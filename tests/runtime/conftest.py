"""Generated tests take the same examples in every run, and as long as they need on a slow machine."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
