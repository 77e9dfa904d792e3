"""Puts ``tmplmon.pth`` beside the package. Everything else is in pyproject.toml.

Python reads files with this suffix at every start; this one does nothing unless the environment variable
TMPLMON_JINJA2 is set. See `tmplmon.starting`.
"""

import zipfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

PTH = "tmplmon.pth"


class BuildWithPth(build_py):
    """Builds the modules and the file."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_file(PTH, str(Path(self.build_lib, PTH)))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib, PTH))]


class EditableWithPth(editable_wheel):
    """Builds the wheel of an editable installation, and adds the file."""

    def run(self) -> None:
        super().run()
        (wheel,) = Path(self.dist_dir).glob("*.whl")
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.write(PTH)


setup(cmdclass={"build_py": BuildWithPth, "editable_wheel": EditableWithPth})
