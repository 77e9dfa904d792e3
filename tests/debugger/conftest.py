"""The directory that sessions run in."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a program and its templates, which may be changed."""
    shutil.copytree(Path(__file__).parent / "site", tmp_path, dirs_exist_ok=True)
    return tmp_path.resolve()


@pytest.fixture(scope="session")
def pseudo_terminals() -> None:
    try:
        descriptors = os.openpty()
    except (OSError, AttributeError):
        pytest.skip("there are no pseudo-terminals here")
    for descriptor in descriptors:
        os.close(descriptor)
