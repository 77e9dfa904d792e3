"""Unusual HTML: pages with the tags that a browser finds, and random mixtures of parts."""

import random

FOUND = {
    "<p>x</p>": ["<p>", "</p>"],
    "<p class=\"a>b\" x='<u>'>": ["<p class=\"a>b\" x='<u>'>"],
    "<a b = c d=e/f g>": ["<a b = c d=e/f g>"],
    "<a =x><b a=><c a=''>": ["<a =x>", "<b a=>", "<c a=''>"],
    "<br/><br / ><IMG/SRC=x>": ["<br/>", "<br / >", "<IMG/SRC=x>"],
    "a < b <3 <> </> </ p>": [],
    "</p a='>'><s>": ["</p a='>'>", "<s>"],
    "<!-- <p> --><!--><b><!---><i><!----><u><!-- --!><s>": ["<b>", "<i>", "<u>", "<s>"],
    "<!doctype html><?php <p> ?><!x <q>><a>": ["<a>"],
    "<script>if(a<b)'<p>'</script><b>": ["<script>", "</script>", "<b>"],
    "<script><!-- <script> </script> <p> --></script><q>": ["<script>", "</script>", "<q>"],
    "<script><!--></script><q>": ["<script>", "</script>", "<q>"],
    "<style>a>b{}</style ><textarea><p></textarea><title><i></TITLE><p>": [
        *("<style>", "</style >", "<textarea>", "</textarea>", "<title>", "</TITLE>", "<p>")
    ],
    "<xmp><p></xmpx></xmp><noscript><p></noscript>": ["<xmp>", "</xmp>", "<noscript>", "</noscript>"],
    "<svg><title/><style/><g/></svg><style><p></style>": [
        *("<svg>", "<title/>", "<style/>", "<g/>", "</svg>", "<style>", "</style>")
    ],
    "<![CDATA[ <p> ]]><b>": ["<b>"],
    "<svg><g><![CDATA[ > <p> ]]></svg>": ["<svg>", "<g>"],
    "<svg><title>a</title></svg><svg><title><b></title><p>": [
        *("<svg>", "<title>", "</title>", "</svg>", "<svg>", "<title>")
    ],
    "<plaintext><p></plaintext>": ["<plaintext>"],
    "<p><q title='never closed": ["<p>"],
    '<p><q title="never closed><b title=x><i id=y': ["<p>"],
    "<a ==x><b = ><c a= ><d>": ["<a ==x>", "<b = >", "<c a= >", "<d>"],
    "<p><!-- never closed <q>": ["<p>"],
    "<p><title>never closed <q>": ["<p>", "<title>"],
    "<P\nCLASS=x\n>": ["<P\nCLASS=x\n>"],
}

_PIECES = (
    *(
        "<p>",
        "</p>",
        "<b",
        "<i>",
        "</i>",
        "<br/>",
        ">",
        "<",
        "/",
        "=",
        '"',
        "'",
        " ",
        "\n",
        "x",
        "é",
        "&amp;",
        "!",
    ),
    *("<!--", "-->", "--!>", "-", "<![CDATA[", "]]>", "<!doctype html>", "<?", "</", "</>", "<3"),
    *("<script>", "</script>", "<style>", "</style>", "<title>", "</title>", "<textarea>", "</textarea>"),
    *(
        "<svg>",
        "</svg>",
        "<svg/>",
        "<g/>",
        "<path d='",
        "<math>",
        "</math>",
        "<xmp>",
        "</xmp>",
        "<iframe>",
        "</iframe>",
    ),
    *(
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<select>",
        "<option>",
        "</select>",
        "<template>",
        "</template>",
    ),
    *(' class="a b"', " id=x", " title='>'", " checked", " =", "<a href=", "<div\n", "<input value='<u>'>"),
)


def soup(numbers: random.Random) -> list[str]:
    """A random page, as a list of parts."""
    return numbers.choices(_PIECES, k=numbers.randint(1, 25))
