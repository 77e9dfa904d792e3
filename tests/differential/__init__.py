"""Compares the results of tmplmon and Jinja2 for the same templates and contexts."""
