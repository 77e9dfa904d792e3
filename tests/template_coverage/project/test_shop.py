import pytest
from shop import pages


@pytest.mark.parametrize("half", [pages.first_half, pages.second_half])
def test_half(half):
    assert half()
