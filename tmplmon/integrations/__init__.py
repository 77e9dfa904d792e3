"""Templates in web frameworks: one module for each, which imports the framework and the public API of the engine.

flask       Tmplmon(app): the app's own `render_template` renders with this engine
starlette   TmplmonTemplates, the shape of Starlette's Jinja2Templates; for FastAPI as well
django      a back end for the setting TEMPLATES
wsgi, asgi  pages of plain applications, sent while they are made
"""
