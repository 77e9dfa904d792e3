"""The demonstration: the catalogue of a small library, as an application for Flask, Starlette and Django.

    catalogue   the books and loans, in SQLite
    views       what each page needs: requests in, pages out, of no framework
    templates/  the same for all three
    with_flask, with_starlette, with_django   routes and responses of each

``python -m templates_demo.library`` starts it.
"""
