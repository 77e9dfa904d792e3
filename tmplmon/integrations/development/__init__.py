"""Development of web applications: pages with their source map, and a page that shows where a template failed.

    application = WSGIDevelopment(application, environment)        # environment = Environment(…, source_map=True)
    application = ASGIDevelopment(application, environment)

Both show source code: for development only.
"""

from tmplmon.integrations.development.answers import Development
from tmplmon.integrations.development.asgi import ASGIDevelopment
from tmplmon.integrations.development.wsgi import WSGIDevelopment

__all__ = ["ASGIDevelopment", "Development", "WSGIDevelopment"]
