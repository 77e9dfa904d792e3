"""The environment of an application: an error of its own code is shown with its cause and place."""

import sys
from pathlib import Path

import pytest

from tmplmon.tools.applications import import_environment

MODULES = {
    "wrong_option": "import tmplmon\n\nenvironment = tmplmon.Environment(undefinedd=3)\n",
    "wrong_factory": "def make():\n    x = None\n    return x.foo\n",
    "wrong_import": "import nothing_of_that_name\n",
    "wrong_attribute_import": "from os import nothing_of_that_name\n",
    "wrong_syntax": "x = 1\ndef broken(:\n",
    "wrong_getattr": "def __getattr__(name):\n    return {}[name]\n",
    "exiting": "raise SystemExit(3)\n",
    "right": "import tmplmon\nenvironment = tmplmon.Environment()\n\ndef make():\n    return environment\n",
}
FAILURES = {
    "wrong_option:environment": (TypeError, "importing wrong_option fails:", 3),
    "wrong_factory:make": (AttributeError, "calling make fails:", 3),
    "wrong_import:x": (ModuleNotFoundError, "importing wrong_import fails:", 1),
    "wrong_attribute_import:x": (ImportError, "importing wrong_attribute_import fails:", 1),
    "wrong_syntax:x": (SyntaxError, "importing wrong_syntax fails:", 2),
    "wrong_getattr:x": (KeyError, "reading x fails:", 2),
    "exiting:x": (SystemExit, "importing exiting fails:", 1),
}
NOT_THERE = {
    "nothing_of_that_name:x": "No module named 'nothing_of_that_name'",
    "right.inner:x": "No module named 'right.inner'",
    "right:nothing": "module 'right' has no attribute 'nothing'",
    "right:environment.nothing": "has no attribute 'nothing'",
    ":x": "no module is named",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("place", FAILURES)
def test_errors_of_the_application(here: Path, place: str) -> None:
    cause, first, line = FAILURES[place]
    with pytest.raises(ImportError) as raised:
        import_environment(place)
    lines = str(raised.value).split("\n")
    assert type(raised.value.__cause__) is cause
    assert lines[0] == first
    assert f'  File "{here / place.partition(":")[0]}.py", line {line}' in lines[1]
    assert lines[-1].startswith(cause.__name__)
    assert "importlib" not in str(raised.value)


@pytest.mark.parametrize("place", NOT_THERE)
def test_wrong_places(here: Path, place: str) -> None:
    with pytest.raises(ImportError, match=NOT_THERE[place]) as raised:
        import_environment(place)
    assert raised.value.__cause__ is None
    assert "\n" not in str(raised.value)


def test_a_module_is_not_an_environment(here: Path) -> None:
    with pytest.raises(TypeError, match="is not an environment; name one in it, as in right:environment"):
        import_environment("right")


def test_right_places(here: Path) -> None:
    environment = import_environment("right:environment")
    assert import_environment("right:make") is environment
