"""Compares Jinja2 and both back ends of tmplmon on the templates of published packages.

    python -m tests.corpus                         the packages of packages.toml
    python -m tests.corpus --only 'dbt-*'          some of them
    python -m tests.corpus --packages FILE         those of another list: TOML, or lines of NAME==VERSION
    python -m tests.corpus --folder DIR            the templates in a folder

pip fetches the packages into a cache outside the repository. Each file is compiled, and rendered with three kinds
of context; all three engines must give the same result, or the same error at the same line. Prints a table with a
row for each package, then each difference with its reason. Exits with 1 if a difference has no reason.
"""
