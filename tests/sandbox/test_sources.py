"""The limits on the source of a template, which bound the time and the memory for compiling it."""

import pytest

from tmplmon import DictLoader, TemplateSyntaxError
from tmplmon.sandbox import SandboxedEnvironment
from tmplmon.sandbox.limits import MAX_SOURCE, MAX_TOKENS


def test_the_number_of_characters() -> None:
    env = SandboxedEnvironment(max_source=10)
    assert env.from_string("a" * 10).render() == "a" * 10
    with pytest.raises(TemplateSyntaxError, match="more than 10 characters") as caught:
        env.from_string("a\n" + "b" * 9)
    assert (caught.value.lineno, caught.value.column) == (2, 8)
    assert env.compile_expression("1 + 234567")() == 234568
    with pytest.raises(TemplateSyntaxError, match="more than 10 characters"):
        env.compile_expression("1 + 2345678")


def test_the_number_of_tokens() -> None:
    env = SandboxedEnvironment(
        max_tokens=4, loader=DictLoader({"long": "{{ a }}{{ b }}", "main": "{% include 'long' %}"})
    )
    assert env.from_string("a{{ b }}").render() == "a"
    with pytest.raises(TemplateSyntaxError, match="more than 4 tokens") as caught:
        env.from_string("a{{ b }}c")
    assert (caught.value.lineno, caught.value.column) == (1, 8)
    with pytest.raises(TemplateSyntaxError, match="more than 4 tokens"):
        env.get_template("main").render()


def test_the_defaults_and_no_limit() -> None:
    env = SandboxedEnvironment()
    assert (env.max_source, env.max_tokens) == (MAX_SOURCE, MAX_TOKENS) == (1_000_000, 100_000)
    with pytest.raises(TemplateSyntaxError) as caught:
        env.from_string("a" * 1_000_001)
    assert len(str(caught.value)) < 2000
    unlimited = SandboxedEnvironment(max_source=None, max_tokens=None)
    assert len(unlimited.from_string("a" * 1_000_001).render()) == 1_000_001
    assert unlimited.overlay(trim_blocks=True).max_source is None
