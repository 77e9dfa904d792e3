"""Runs each test on both back ends."""

import pytest


@pytest.fixture(params=["bytecode", "closures"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)
