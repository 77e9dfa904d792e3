"""Native types, which are tmplmon's."""

from typing import Any

from jinja2.compiler import CodeGenerator
from jinja2.environment import Environment, Template

from tmplmon import nativetypes
from tmplmon.nativetypes import native_concat

__all__ = ["NativeCodeGenerator", "NativeEnvironment", "NativeTemplate", "native_concat"]


class NativeCodeGenerator(CodeGenerator):
    """As `Environment.code_generator_class`: templates output values, which are not converted to text."""

    is_native = True


class NativeEnvironment(nativetypes.NativeEnvironment, Environment):
    """An environment whose templates return Python values."""

    code_generator_class = NativeCodeGenerator


class NativeTemplate(nativetypes.NativeTemplate, Template):
    """A template whose `render` returns a Python value."""

    environment_class = NativeEnvironment

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """Return the template's value. In an environment that is not native, its output is joined all the same."""
        if isinstance(self.environment, nativetypes.NativeEnvironment) or self.environment.is_async:
            return super().render(*args, **kwargs)
        context = self.new_context(dict(*args, **kwargs))
        try:
            return self.environment_class.concat(self.root_render_func(context))
        except Exception:
            self.environment.handle_exception()


NativeEnvironment.template_class = NativeTemplate
