"""Templates of Home Assistant: states, filters, limited output, and native results."""

import asyncio
from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template

TEMPLATES = (
    "{{ states('sensor.temperature')|float + 1 }}",
    "{{ states.sensor.temperature.state }} {{ is_state('light.kitchen', 'on') }}",
    "{% for state in states.light|sort(attribute='entity_id') %}{{ loop.index }} {{ state.name }}, {% endfor %}",
    "{{ [1, 2, 3]|average }} {{ 'a,b'|regex_findall('[a-z]') }} {{ {'a': 1}|to_json }}",
    "{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
    "{{ state_attr('light.kitchen', 'brightness')|multiply(2)|round(1) }}",
    "{% macro add(a, returns) %}{% do returns(a + 1) %}{% endmacro %}{{ (add|as_function)(3) }}",
    "{{ unknown_name }}",
    "{{ 1 / 0 }}",
    "{% if %}",
    "{{ ''.__class__ }}",
    "{{ 'x' * 3 }} {{ iif(true, 'yes', 'no') }} {{ bitwise_and(6, 3) }} {{ max(1, 2) }}",
)


async def main():
    hass = HomeAssistant(str(Path.cwd()))
    hass.states.async_set("sensor.temperature", "20.5", {"unit_of_measurement": "°C"})
    hass.states.async_set("light.kitchen", "on", {"brightness": 40, "friendly_name": "K & <K>"})
    hass.states.async_set("light.hall", "off")
    for text in TEMPLATES:
        template = Template(text, hass)
        for parse_result in (True, False):
            try:
                print(repr(template.async_render(parse_result=parse_result)))
            except Exception as error:
                print(type(error).__name__, error)
    information = Template("{{ states('light.hall') }}{{ states.sensor|count }}", hass).async_render_to_info()
    print(information.result(), sorted(information.entities), sorted(information.domains))
    await hass.async_stop(force=True)


asyncio.run(main())
