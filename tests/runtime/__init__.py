"""The functions and classes that templates use while they run, compared with those of Jinja2."""
