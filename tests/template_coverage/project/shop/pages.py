"""Renders the templates, in two halves, so that two processes can share the work."""

import os

from tmplmon import DictLoader, Environment, FileSystemLoader

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates")
ITEMS = [{"name": "tea", "price": 3, "tags": ["hot"]}, {"name": "ice", "price": 0, "tags": []}]


def make_environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        backend=os.environ.get("SHOP_BACKEND", "bytecode"),
        cache_dir=os.environ.get("SHOP_CACHE") or None,
        auto_reload=bool(os.environ.get("SHOP_RELOAD")),
        enable_async=False,
    )


environment = make_environment()


def first_half() -> str:
    text = environment.get_template("list.html").render(items=ITEMS, user=None)
    # Templates that are no files are in no report.
    text += environment.from_string("{% for n in [1, 2] %}\n{{ n }}\n{% endfor %}").render()
    text += Environment(loader=DictLoader({"a.html": "{{ 1 }}"})).get_template("a.html").render()
    return text


def second_half() -> str:
    text = environment.get_template("list.html").render(items=[], user="ann")
    return text + "".join(environment.get_template("odd.html").generate(depth=[[[]], []]))


def all_of_it() -> str:
    return first_half() + second_half()
