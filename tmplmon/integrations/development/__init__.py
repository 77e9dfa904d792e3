"""Middleware for development: adds source maps to pages, and answers errors in templates with an error page.

    application = WSGIDevelopment(application, environment)        # environment = Environment(…, source_map=True)
    application = ASGIDevelopment(application, environment)

Both expose source code, so use them for development only.
"""

from tmplmon.integrations.development.answers import Development
from tmplmon.integrations.development.asgi import ASGIDevelopment
from tmplmon.integrations.development.wsgi import WSGIDevelopment

__all__ = ["ASGIDevelopment", "Development", "WSGIDevelopment"]
