"""Runs a playbook on this machine: variables, conditions, loops, and files from a role's templates."""

import os
import subprocess
import sys
from pathlib import Path

role = Path("roles/web")
for folder in ("tasks", "templates", "defaults", "handlers"):
    (role / folder).mkdir(parents=True)
(role / "defaults/main.yml").write_text(
    "port: 8080\nhosts:\n  - {name: a.example, aliases: [www.a.example]}\n  - {name: b.example, aliases: []}\n"
    'greeting: \'port {{ port + 1 }} of {{ hosts | map(attribute="name") | join(", ") }}\'\n'
)
(role / "templates/site.conf.j2").write_text(
    "# {{ ansible_managed }}\n{% for host in hosts %}\nserver {\n  listen {{ port }};\n  name {{ host.name }};\n"
    "{% if host.aliases %}\n  aliases {{ host.aliases | join(' ') }};\n{% endif %}\n}\n{% else %}\n# no hosts\n"
    "{% endfor %}\n{% include 'footer.j2' %}\n"
)
(role / "templates/footer.j2").write_text("{{ greeting | upper }} {{ ['x', 'y'] | zip([1, 2]) | list }}\n")
(role / "tasks/main.yml").write_text(
    "- name: Write {{ greeting }}\n  ansible.builtin.template: {src: site.conf.j2, dest: '{{ out }}/site.conf'}\n"
    "- ansible.builtin.copy: {dest: '{{ out }}/{{ item.name }}', content: '{{ item | to_json }}\\n'}\n"
    "  loop: '{{ hosts }}'\n  when: item.aliases | length >= 0\n"
    "- ansible.builtin.set_fact: {total: '{{ hosts | length * 2 }}'}\n"
    '- ansible.builtin.debug: {msg: \'total {{ total }} {{ lookup("env", "TZ") }} {{ missing | default(7) }}\'}\n'
    '- ansible.builtin.assert: {that: ["total | int == 4", "\'a.example\' in greeting"]}\n'
)
Path("play.yml").write_text(
    "- hosts: localhost\n  connection: local\n  gather_facts: false\n  vars: {out: '{{ playbook_dir }}/out'}\n"
    "  roles: [web]\n"
)
Path("out").mkdir()
os.environ |= {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "False", "LC_ALL": "C.UTF-8"}
os.environ |= {"ANSIBLE_INVENTORY_UNPARSED_WARNING": "False", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
from ansible.cli.playbook import PlaybookCLI  # noqa: E402

sys.stdout.flush()
status = PlaybookCLI(["ansible-playbook", "play.yml"]).run()
assert status == 0, subprocess.list2cmdline(["status", str(status)])
