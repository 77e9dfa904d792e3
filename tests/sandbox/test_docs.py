"""The examples in the documentation of the sandbox run, and its figures are those of the code."""

import re
from pathlib import Path
from typing import Any

import pytest

from tmplmon import SecurityError
from tmplmon.sandbox import MAX_RANGE
from tmplmon.sandbox.filters import MAX_ITERATORS
from tmplmon.sandbox.limits import MAX_BITS, MAX_SIZE, MAX_WORK
from tmplmon.sandbox.measure import MAX_NESTED

PAGE = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8")


def test_examples(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    for example in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(example, "docs/sandbox.md", "exec"), names)
    assert names["text"] == "Dear Ann, …"
    assert 0 < int(capsys.readouterr().out) < 20
    account, strict = names["Account"](), names["Strict"]()
    assert strict.from_string("{{ a.name }}{{ a._balance }}").render(a=account) == "Ann"
    for source in ("{{ a.delete() }}", "{{ f() }}"):
        with pytest.raises(SecurityError):
            strict.from_string(source).render(a=account, f=len)
    type(account).visible_to_templates = ()
    assert strict.from_string("{{ a.name }}").render(a=account) == ""


def test_figures() -> None:
    table = " ".join(PAGE.split())
    assert f"`max_size` ({MAX_SIZE // 1_000_000} million)" in table
    for figure in (MAX_RANGE, MAX_BITS, MAX_WORK, MAX_NESTED, MAX_ITERATORS):
        assert f"| {figure:,} " in table, figure
