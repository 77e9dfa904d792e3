"""Makes a project from a template with choices, conditions, hooks and Cookiecutter's own extensions."""

import json
from pathlib import Path

from cookiecutter.main import cookiecutter

template = Path("template")
project = template / "{{cookiecutter.slug}}"
(project / "{% if cookiecutter.docs == 'yes' %}docs{% endif %}").mkdir(parents=True)
(template / "hooks").mkdir()
variables = {
    "name": "My Project",
    "slug": "{{ cookiecutter.name | slugify(separator='_') }}",
    "docs": ["yes", "no"],
    "licences": {"MIT": {"year": "2020"}, "BSD": {"year": "{{ 2000 + 21 }}"}},
    "__hidden": "{{ cookiecutter.slug | jsonify }}",
}
(template / "cookiecutter.json").write_text(json.dumps(variables))
(project / "README.md").write_text(
    "# {{ cookiecutter.name }}\n{% for name, licence in cookiecutter.licences|dictsort %}\n"
    "* {{ name }} {{ licence.year }}\n{% endfor %}\n{{ cookiecutter.__hidden }}\n"
    "{% if cookiecutter.docs == 'yes' -%}\nDocumented.\n{%- else -%}\nNot documented.\n{%- endif %}\n"
)
(project / "{% if cookiecutter.docs == 'yes' %}docs{% endif %}" / "index.md").write_text(
    "{{ cookiecutter._template|length }}"
)
(template / "hooks/post_gen_project.py").write_text(
    "open('hook.txt', 'w').write('{{ cookiecutter.slug }}')\n"
)
for docs in ("yes", "no"):
    Path(docs).mkdir()
    if docs == "yes":
        cookiecutter("template", no_input=True, output_dir=docs, extra_context={"docs": docs})
    else:
        cookiecutter("template", no_input=True, output_dir=docs, extra_context={"name": "Ünïcode & Co"})
