"""Templates in web frameworks. Each module imports its framework and the public API of the engine.

flask       Tmplmon(app): the application's `render_template` uses this engine
starlette   TmplmonTemplates, with the interface of Starlette's Jinja2Templates; also for FastAPI
django      a back end for the setting TEMPLATES
wsgi, asgi  pages of plain applications, sent while they are rendered
coverage    an endpoint that reports which template lines have run
development middleware for source maps and error pages
"""
