"""A fixture for the directory of a session."""

import os
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A copy of the directory with the programs and their templates, which tests may change."""
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
