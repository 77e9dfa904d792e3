"""The loaders, which are tmplmon's."""

from typing import Any

from jinja2.utils import internalcode, open_if_exists

from tmplmon.as_jinja2.refusing import refusal
from tmplmon.errors import TemplateNotFound
from tmplmon.loaders import (
    BaseLoader,
    ChoiceLoader,
    DictLoader,
    FileSystemLoader,
    FunctionLoader,
    PackageLoader,
    PrefixLoader,
    split_template_path,
)

__all__ = [
    "BaseLoader",
    "ChoiceLoader",
    "DictLoader",
    "FileSystemLoader",
    "FunctionLoader",
    "ModuleLoader",
    "PackageLoader",
    "PrefixLoader",
    "TemplateNotFound",
    "internalcode",
    "open_if_exists",
    "split_template_path",
]


class ModuleLoader(BaseLoader):
    """A loader of templates that Jinja2 has compiled to modules. Creating one raises NotImplementedError."""

    has_source_access = False

    def __init__(self, path: Any) -> None:
        raise refusal("a ModuleLoader, which loads generated Python source,")
