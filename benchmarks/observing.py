"""``python -m benchmarks.observing``: the cost of `tmplmon.observe` for Jinja2, without a tool.

A page is rendered by turns with code that was compiled before and after `install`; the medians of the processor
times are compared. The limit is 2 %. Compilation is compared, too.
"""

import statistics
from collections.abc import Callable
from time import process_time

import jinja2

from tmplmon import observe

PAGE = """\
{% macro cell(value) %}<td>{{ value }}</td>{% endmacro %}
<table>
{% for user in users %}
  <tr class="{{ loop.cycle('odd', 'even') }}">
  {{ cell(loop.index) }}{{ cell(user.name) }}
  {% if user.admin %}<td>admin</td>{% else %}<td></td>{% endif %}
  <td>{% for tag in user.tags %}<i>{{ tag|upper }}</i>{% endfor %}</td>
  </tr>
{% endfor %}
</table>
"""
USERS = [{"name": f"n{number}", "admin": number % 3 == 0, "tags": ["a", "b"]} for number in range(200)]
ROUNDS = 200


def compiled() -> jinja2.Template:
    return jinja2.Environment(autoescape=True, cache_size=0).from_string(PAGE)


def seconds(function: Callable[[], object]) -> float:
    start = process_time()
    function()
    return process_time() - start


def main() -> None:
    plain = compiled()
    plain_compiling = min(seconds(compiled) for _ in range(20))
    observe.install()
    observed = compiled()
    observed_compiling = min(seconds(compiled) for _ in range(20))
    assert plain.render(users=USERS) == observed.render(users=USERS)
    times: dict[jinja2.Template, list[float]] = {plain: [], observed: []}
    for number in range(ROUNDS):
        for template in (plain, observed) if number % 2 else (observed, plain):
            times[template].append(seconds(lambda template=template: template.render(users=USERS)))
    medians = [statistics.median(times[template]) for template in (plain, observed)]
    least = [min(times[template]) for template in (plain, observed)]
    print(f"rendering: {medians[1] / medians[0]:.3f} of the time (least times: {least[1] / least[0]:.3f})")
    print(f"compiling: {observed_compiling / plain_compiling:.2f} of the time")


if __name__ == "__main__":
    main()
