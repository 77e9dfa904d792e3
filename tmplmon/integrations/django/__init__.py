"""Django's template back end: `tmplmon.integrations.django.tmplmon.Templates`.

Django names an engine after the module of its class. The module is therefore named like the engine, so that both
this engine and Django's own ("django") can be used in one project without a NAME.
"""
