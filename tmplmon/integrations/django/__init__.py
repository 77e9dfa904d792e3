"""Django's back end is `tmplmon.integrations.django.tmplmon.Templates`.

Django names an engine after the module that its class is in, and its own language is called "django": so the module
is called as the engine, and both can be used in one project with no NAME given.
"""
