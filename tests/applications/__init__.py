"""Applications that use Jinja2: a small job for each, run on Jinja2 and in the two other ways.

    python -m tests.applications --cache FOLDER [--ways observe,as_jinja2] [--table docs/applications.md] [NAME …]

`packages.toml` lists the packages, with the versions that are installed into a virtual environment for each, in the
folder. A job is a script in `jobs`, which does with the package what users do with it: it renders the package's own
templates, in an empty folder. What it prints and the files that it leaves are compared byte for byte with those of
the same job on Jinja2.
"""
