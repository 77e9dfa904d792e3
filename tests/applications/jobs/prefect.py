"""Templates of Prefect's notifications and automations, which it renders with a sandbox, in parallel."""

import asyncio

from prefect.server.utilities.user_templates import (
    matching_types_in_templates,
    maybe_template,
    render_user_template,
    render_user_template_sync,
    validate_user_template,
)

TEMPLATES = (
    "Flow run {{ flow_run.name }} entered state {{ flow_run.state|upper }}",
    "{% for tag in tags %}{{ loop.index }}: {{ tag }}\n{% endfor %}{{ 3|string ~ tags|length }}",
    "{% if flow_run.state == 'Failed' %}bad{% else %}good{% endif %} {{ unknown }} {{ unknown.x }}",
    "{{ flow_run.__class__.__mro__ }}",
    "{{ range(100000) | list | length }}",
    "plain",
    "{{ broken",
    "{% for a in tags %}{% for b in tags %}{% for c in tags %}{{ c }}{% endfor %}{% endfor %}{% endfor %}",
)
CONTEXT = {"flow_run": {"name": "a & <b>", "state": "Failed"}, "tags": ["x", "<y>"]}


async def main():
    for template in TEMPLATES:
        try:
            print(maybe_template(template), matching_types_in_templates([template], {"FlowRun"}))
            validate_user_template(template)
        except Exception as error:
            print(type(error).__name__, error)
        try:
            print(repr(await render_user_template(template, CONTEXT)))
            print(repr(render_user_template_sync(template, CONTEXT)))
        except Exception as error:
            print(type(error).__name__, error)


asyncio.run(main())
