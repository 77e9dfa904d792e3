"""Demonstrations: `site`, for `tmplmon render`, and `library`, an application for three frameworks."""
