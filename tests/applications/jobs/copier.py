"""Makes a project from a template with questions, computed defaults, conditional files and a loop of files."""

from pathlib import Path

from copier import run_copy

template = Path("template")
(template / "{{ slug }}").mkdir(parents=True)
(template / "copier.yml").write_text(
    "_jinja_extensions: [jinja2.ext.do]\n"
    "name: {type: str, default: My Project}\nslug: {type: str, default: \"{{ name|lower|replace(' ', '_') }}\"}\n"
    "docs: {type: bool, default: true}\nitems: {type: yaml, default: [one, two]}\n"
    "level: {type: int, default: 3, validator: '{% if level > 5 %}too high{% endif %}'}\n"
)
(template / "{{ slug }}/README.md.jinja").write_text(
    "# {{ name }}\n{% set lines = [] %}{% for item in items %}{% do lines.append(item|upper) %}{% endfor %}"
    "{{ lines|join('\\n') }}\n{{ level * 2 }} {{ _copier_conf.src_path is string }}\n"
)
(template / "{% if docs %}docs.md{% endif %}.jinja").write_text("{{ slug|to_nice_json if 0 else slug }}\n")
(template / "plain.txt").write_text("{{ not rendered }}\n")
for number, data in enumerate(({}, {"name": "Other One", "docs": False, "items": []})):
    run_copy(str(template), f"out{number}", data=data, defaults=True, quiet=True, unsafe=True)
