"""The same templates and contexts on tmplmon and on Jinja2: what comes out must be the same."""
