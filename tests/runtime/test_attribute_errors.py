"""If a property raises AttributeError, its value is undefined, as in Jinja2, and the error is kept as the cause."""

import inspect
from typing import Any

import pytest

from tmplmon import ChainableUndefined, Environment, StrictUndefined, UndefinedError
from tmplmon.sandbox import SandboxedEnvironment

makers = pytest.mark.parametrize(
    "make",
    [
        Environment,
        lambda **options: Environment(backend="closures", **options),
        SandboxedEnvironment,
        lambda **options: Environment(enable_async=True, **options),
    ],
    ids=["bytecode", "closures", "sandbox", "async"],
)


class Slow:
    """Counts the accesses to its attribute."""

    count = 0

    @property
    def broken(self) -> Any:
        self.count += 1
        return self.nothing_of_this_name  # type: ignore[attr-defined]

    @property
    def mapping_error(self) -> Any:
        self.count += 1
        return {}["key"]


class WithItems(Slow):
    def __getitem__(self, key: str) -> str:
        return f"item {key}"


class Dynamic:
    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


LINE = inspect.getsourcelines(Slow.broken.fget)[1] + 3  # type: ignore[arg-type]


@makers
@pytest.mark.parametrize(
    "source",
    ["{{ x.broken.more }}", "{{ x['broken'].more }}", "{% for _ in [1] %}{{ x.broken + 1 }}{% endfor %}"],
)
def test_the_error_of_the_value_is_raised_from_the_cause(make: Any, source: str) -> None:
    with pytest.raises(UndefinedError, match=r"'.*Slow object' has no attribute 'broken'") as caught:
        make().from_string(source).render(x=Slow())
    cause = caught.value.__cause__
    assert isinstance(cause, AttributeError)
    assert cause.name == "nothing_of_this_name"
    (note,) = caught.value.__notes__
    assert note == (
        f"The attribute 'broken' exists, but its code raised an AttributeError at {__file__}:{LINE}: {cause}"
    )


@makers
def test_a_strict_undefined_value_raises_when_it_is_output(make: Any) -> None:
    with pytest.raises(UndefinedError) as caught:
        make(undefined=StrictUndefined).from_string("{{ x.broken }}").render(x=Slow())
    assert isinstance(caught.value.__cause__, AttributeError)


@makers
def test_an_attribute_that_does_not_exist_has_no_cause(make: Any) -> None:
    for x in (Slow(), Dynamic(), {}, 1, None):
        with pytest.raises(UndefinedError) as caught:
            make().from_string("{{ x.other.more }}").render(x=x)
        assert caught.value.__cause__ is None
        assert not hasattr(caught.value, "__notes__")


@makers
def test_the_output_does_not_change(make: Any) -> None:
    environment = make()
    assert environment.from_string("[{{ x.broken }}{{ x.broken is defined }}]").render(x=Slow()) == "[False]"
    assert environment.from_string("{{ x.broken }}").render(x=WithItems()) == "item broken"
    chained = make(undefined=ChainableUndefined)
    assert chained.from_string("{{ x.broken.more }}").render(x=Slow()) == ""


@makers
def test_other_errors_of_a_property_propagate(make: Any) -> None:
    with pytest.raises(KeyError, match="key"):
        make().from_string("{{ x.mapping_error }}").render(x=Slow())


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_a_property_is_computed_once(backend: str) -> None:
    x = Slow()
    environment = Environment(backend=backend)
    environment.from_string("{% for _ in [1, 2] %}{{ x.broken }}{% endfor %}").render(x=x)
    assert x.count == 2
    with pytest.raises(KeyError):
        environment.from_string("{{ x.mapping_error }}").render(x=x)
    assert x.count == 3
