"""Templates with the numbers that a person derives for them.

A case is a text: the templates, each after its name; and for each template the expected lines, of these the
missing ones, and the outcomes of branches that were taken or not. Everything is rendered once for each of the
`contexts`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tests.template_coverage.expected import Numbers, _arcs, _lines


@dataclass
class Case:
    name: str
    files: dict[str, str]
    numbers: dict[str, Numbers]
    contexts: tuple[dict[str, Any], ...]


CASES: list[Case] = []


def case(name: str, text: str, *contexts: dict[str, Any]) -> None:
    files: dict[str, str] = {}
    numbers: dict[str, Numbers] = {}
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        file, _, rest = part.partition("\n")
        source, _, expected = rest.partition("---\n")
        parts = dict(re.findall(r"^(\w+):(.*)$", expected, re.MULTILINE))
        files[file] = source
        numbers[file] = Numbers(
            *(_lines(parts.get(key, "")) for key in ("lines", "missing", "excluded")),
            *(_arcs(parts.get(key, "")) for key in ("taken", "untaken")),
        )
    CASES.append(Case(name, files, numbers, contexts or ({},)))


case(
    "text and variables",
    """=== page.html
<html>

  <body>
{{ a }} text
    {{ b }}
</body>
---
lines: 1 3-6
""",
)
case(
    "one line",
    """=== page.html
{% if a %}x{% else %}y{% endif %}{% for x in xs %}{{ x }}{% endfor %}
---
lines: 1
""",
    {"a": 1, "xs": [1, 2]},
)
case(
    "if without else, true",
    """=== page.html
{% if a %}
  yes
{% endif %}
end
---
lines: 1 2 4
taken: 1->2
untaken: 1->4
""",
    {"a": True},
)
case(
    "if without else, false",
    """=== page.html
{% if a %}
  yes
{% endif %}
end
---
lines: 1 2 4
missing: 2
taken: 1->4
untaken: 1->2
""",
)
case(
    "if at the end",
    """=== page.html
top
{% if a %}
  yes
{% endif %}
---
lines: 1-3
taken: 2->3
untaken: 2->-1
""",
    {"a": 1},
)
case(
    "elif chain, the second",
    """=== page.html
{% if x == 1 %}
  one
{% elif x == 2 %}
  two
{% elif x == 3 %}
  three
{% else %}
  other
{% endif %}
end
---
lines: 1-6 8 10
missing: 2 5 6 8
taken: 1->3 3->4
untaken: 1->2 3->5 5->6 5->8
""",
    {"x": 2},
)
case(
    "elif chain, all",
    """=== page.html
{% if x == 1 %}
  one
{% elif x == 2 %}
  two
{% elif x == 3 %}
  three
{% else %}
  other
{% endif %}
end
---
lines: 1-6 8 10
taken: 1->2 1->3 3->4 3->5 5->6 5->8
""",
    {"x": 1},
    {"x": 2},
    {"x": 3},
    {"x": 4},
)
case(
    "operators and a variable that does not exist",
    """=== page.html
{% if a and not b or missing.x|length > 3 %}
  yes
{% else %}
  no
{% endif %}
---
lines: 1 2 4
missing: 2
taken: 1->4
untaken: 1->2
""",
    {"a": 0},
)
case(
    "for over items",
    """=== page.html
{% for x in xs %}
  {{ x }}
{% endfor %}
end
---
lines: 1 2 4
taken: 1->2 1->4
""",
    {"xs": [1, 2]},
)
case(
    "for over nothing",
    """=== page.html
{% for x in xs %}
  {{ x }}
{% endfor %}
end
---
lines: 1 2 4
missing: 2
taken: 1->4
untaken: 1->2
""",
)
case(
    "for with empty, over items",
    """=== page.html
{% for x in xs %}
  {{ x }}
{% empty %}
  none
{% endfor %}
end
---
lines: 1 2 4 6
missing: 4
taken: 1->2 1->6
untaken: 1->4
""",
    {"xs": [1]},
)
case(
    "for with empty, over nothing",
    """=== page.html
{% for x in xs %}
  {{ x }}
{% empty %}
  none
{% endfor %}
end
---
lines: 1 2 4 6
missing: 2
taken: 1->4
untaken: 1->2 1->6
""",
)
case(
    "nested loops and conditions",
    """=== page.html
{% for row in rows %}
  {% for cell in row %}
    {% if cell %}
      {{ cell }}
    {% endif %}
  {% endfor %}
  <br>
{% endfor %}
---
lines: 1-4 7
taken: 1->2 1->-1 2->3 2->7 3->4 3->2
""",
    {"rows": [[1, 0], [0]]},
)
case(
    "loop of which the body begins with a loop",
    """=== page.html
{% for row in rows %}{% for cell in row %}
  {{ cell }}
{% endfor %}{% endfor %}
end
---
lines: 1 2 4
taken: 1->2 1->4
""",
    {"rows": [[1, 2], []]},
)
case(
    "loop with unpacking and reversed",
    """=== page.html
{% for k, v in d.items reversed %}
  {{ k }}
  {{ v }}
{% endfor %}
---
lines: 1-3
taken: 1->2 1->-1
""",
    {"d": {"a": 1, "b": 2}},
)
case(
    "with, autoescape, spaceless and filter",
    """=== page.html
{% with a=1 b=2 %}
  {{ a }}
  {% autoescape off %}
    {{ b }}
  {% endautoescape %}
{% endwith %}
{% spaceless %}
  <p> x </p>
{% endspaceless %}
{% filter upper %}
  y
{% endfilter %}
---
lines: 1-4 7 8 10 11
""",
)
case(
    "ifchanged with arguments",
    """=== page.html
{% for x in xs %}
  {% ifchanged x %}
    new {{ x }}
  {% else %}
    same
  {% endifchanged %}
{% endfor %}
---
lines: 1-3 5
missing: 5
taken: 1->2 1->-1 2->3
untaken: 2->5
""",
    {"xs": [1, 2]},
)
case(
    "ifchanged with arguments, both",
    """=== page.html
{% for x in xs %}
  {% ifchanged x %}
    new {{ x }}
  {% endifchanged %}
  item
{% endfor %}
---
lines: 1-3 5
taken: 1->2 1->-1 2->3 2->5
""",
    {"xs": [1, 1]},
)
case(
    "ifchanged of its text",
    """=== page.html
{% for x in xs %}
  {% ifchanged %}
    {{ x }}
  {% else %}
    same
  {% endifchanged %}
  item
{% endfor %}
---
lines: 1-3 5 7
missing: 5
taken: 1->2 1->-1 2->7
untaken: 2->5
""",
    {"xs": [1, 2]},
)
case(
    "include",
    """=== page.html
top
{% include "part.html" %}
{% include name with x=2 only %}
end
---
lines: 1-4
=== part.html
part
{% if x %}
  {{ x }}
{% endif %}
---
lines: 1-3
taken: 2->3 2->-1
=== other.html
never
---
lines: 1
missing: 1
""",
    {"name": "part.html"},
)
case(
    "include that calls itself",
    """=== page.html
{% include "tree.html" %}
---
lines: 1
=== tree.html
{{ node.name }}
{% for node in node.children %}
  {% include "tree.html" %}
{% endfor %}
end
---
lines: 1-3 5
taken: 2->3 2->5
""",
    {"node": {"name": "a", "children": [{"name": "b", "children": []}]}},
)
case(
    "extends with block.super",
    """=== page.html
{% extends "base.html" %}
{% load i18n %}
not rendered {{ x }}
{% block title %}
  page {{ block.super }}
{% endblock %}
{% block unknown %}
  never
{% endblock %}
---
lines: 1 5 8
missing: 8
=== base.html
<title>
{% block title %}
  base
{% endblock %}
</title>
{% block body %}
  body
{% endblock %}
---
lines: 1-3 5-7
""",
)
case(
    "extends a variable, in three levels",
    """=== page.html
{% extends parent %}
{% block a %}
  page
  {{ block.super }}
{% endblock %}
---
lines: 1 3 4
=== middle.html
{% extends "base.html" %}
{% block a %}
  {% if x %}
    x
  {% endif %}
  middle
{% endblock %}
---
lines: 1 3 4 6
missing: 4
taken: 3->6
untaken: 3->4
=== base.html
{% block a %}
  base
{% endblock %}
end
---
lines: 1 2 4
missing: 2
""",
    {"parent": "middle.html"},
)
case(
    "block in a block, and in a condition",
    """=== page.html
{% extends "base.html" %}
{% block inner %}
  page
{% endblock %}
---
lines: 1 3
=== base.html
{% block outer %}
  {% block inner %}
    base
  {% endblock %}
{% endblock %}
{% if no %}
  {% block other %}
    other
  {% endblock %}
{% endif %}
---
lines: 1-3 6-8
missing: 3 7 8
taken: 6->-1
untaken: 6->7
""",
)
case(
    "comments and pragmas",
    """=== page.html
{# nothing #}
{% comment %}
  {{ x }}
{% endcomment %}
a
{% if x %}{# pragma: no cover #}
  excluded
  {{ x }}
{% endif %}
b {# pragma: no cover #}
{{ c }}
---
lines: 5 11
excluded: 6-8 10
""",
)
case(
    "pragma without branches",
    """=== page.html
{% if x %}{# pragma: no branch #}
  {{ x }}
{% endif %}
end
---
lines: 1 2 4
taken: 1->2
""",
    {"x": 1},
)
case(
    "verbatim and translated blocks",
    """=== page.html
{% load i18n %}
{% verbatim %}
  {{ raw }}
  {% raw %}
{% endverbatim %}
{% blocktranslate count n=n %}
  one
{% plural %}
  {{ n }} of

  them
{% endblocktranslate %}
{% translate "x" %}
---
lines: 1-4 6 7 9 11 13
""",
    {"n": 2},
)
case(
    "tags of third parties",
    """=== page.html
{% load tried %}
{% twice %}
  {% if a %}
    {{ a }}
  {% endif %}
{% endtwice %}
{% switch x %}
  {% case 1 %}
    one
  {% case 2 %}
    two {{ x }}
{% endswitch %}
{% handmade %}
{% greet "x" as name %}
---
lines: 1-4 7 9 11 13 14
missing: 9
taken: 3->4
untaken: 3->7
""",
    {"a": 1, "x": 2},
)
case(
    "inclusion tag",
    """=== page.html
{% load tried %}
{% including 3 %}
---
lines: 1 2
=== included.html
{% if value %}
  {{ value }}
{% else %}
  nothing
{% endif %}
---
lines: 1 2 4
missing: 4
taken: 1->2
untaken: 1->4
""",
)
case(
    "nodes that another template renders",
    """=== page.html
{% load tried %}
{% slot "frame.html" %}
  inner {{ a }}
  {% if a %}
    yes
  {% endif %}
{% endslot %}
end
---
lines: 1-5 8
missing: 5
taken: 4->8
untaken: 4->5
=== frame.html
{% load tried %}
<div>
{% fill %}
</div>
---
lines: 1-4
""",
)
case(
    "an error that a tag catches",
    """=== page.html
{% load tried %}
{% catching %}
  {% if a %}
    {% fail %}
    never
  {% endif %}
{% endcatching %}
{% if a %}
  after
{% endif %}
---
lines: 1-5 8 9
missing: 5
taken: 3->4 8->9
untaken: 3->8 8->-1
""",
    {"a": 1},
)
case(
    "condition on the line of another tag",
    """=== page.html
{% for x in xs %}{% if x %}
  {{ x }}
{% endif %}{% endfor %}
---
lines: 1 2
taken: 1->2 1->-1
""",
    {"xs": [1, 0]},
)
case(
    "cycle, firstof and other plain tags",
    """=== page.html
{% for x in xs %}
  {% cycle "a" "b" as c silent %}
  {{ c }}
  {% resetcycle c %}
{% endfor %}
{% firstof a b "c" %}
{% now "Y" as year %}
{% regroup xs by real as groups %}
{% widthratio 1 2 3 %}
{% templatetag openblock %}
---
lines: 1-4 6-10
taken: 1->2 1->6
""",
    {"xs": [1]},
)
