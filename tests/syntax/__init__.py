"""The lexer, the grammar and the parser, with Jinja2 as the oracle."""
