"""The catalogue of a small library, as an application for Flask, Starlette and Django.

    catalogue   the books and loans, in SQLite
    views       the pages, independent of the framework
    templates/  the templates, shared by all three
    with_flask, with_starlette, with_django   the routes and responses of each framework

``python -m templates_demo.library`` starts the application.
"""
