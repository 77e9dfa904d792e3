"""Templates that the installed Jinja2's parser reads: those with tags that an extension parses by itself.

    source ─► Jinja2's tokens ─► Jinja2's nodes ─► tree (`syntax.nodes`)
              `scanning`         `parse`           `convert`

An extension of Jinja2's kind has a method `parse`, which reads tokens from Jinja2's parser and returns Jinja2's
nodes. So its templates are read by that parser, which calls the extensions, and the nodes are converted. Everything
after that is the same for both parsers. Jinja2 is imported and never copied; without such an extension it need not
be installed.

`scanning` makes the tokens from those of tmplmon's lexer where they are the same, because Jinja2's needs more
than half of the time of its parser. `places` finds the places of those that Jinja2's lexer reads.

Rule: tokens carry their place. Jinja2's nodes only have a line number, which is that of a token. Here the line
number of a token is a `Place`: an int that also has the offsets of the token. Extensions pass it on without
knowing, so their nodes have a place too.
"""
