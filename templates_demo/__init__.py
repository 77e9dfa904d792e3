"""Demonstrations: `site`, for `tmplmon render`, and `library`, an application with three frameworks."""
