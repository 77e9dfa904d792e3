"""Tags as third parties write them."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import Node, NodeList, TextNode

register = template.Library()


class TwiceNode(Node):
    """Renders its nodes twice. It overrides the internal method, and calls it by super()."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render_annotated(self, context: Any) -> Any:
        return f"[{super().render_annotated(context)}]"

    def render(self, context: Any) -> str:
        return self.nodelist.render(context) + self.nodelist.render(context)


class CaseNode(Node):
    """One of the cases of a `switch`; made by the tag, without a token."""

    def __init__(self, value: Any, nodelist: NodeList) -> None:
        self.value = value
        self.nodelist = nodelist

    def render(self, context: Any) -> str:
        return str(self.nodelist.render(context))


class SwitchNode(Node):
    """Keeps its nodes where no `child_nodelists` names them."""

    def __init__(self, value: Any, cases: list[tuple[str, CaseNode]]) -> None:
        self.value = value
        self.cases = cases

    def render(self, context: Any) -> str:
        value = self.value.resolve(context)
        return next(
            (case.render(context) for name, case in self.cases if case.value.resolve(context) == value), ""
        )


class SlotNode(Node):
    """Passes its nodes to another template, which renders them."""

    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Any) -> str:
        other = context.template.engine.get_template(self.name)
        with context.push(slot=self.nodelist):
            return str(other.render(context))


class FillNode(Node):
    def render(self, context: Any) -> str:
        return str(context["slot"].render(context))


class HandMadeNode(Node):
    """Renders a list of nodes that it makes itself."""

    def render(self, context: Any) -> str:
        return str(NodeList([TextNode("made"), FixedNode()]).render(context))


class FixedNode(Node):
    def render(self, context: Any) -> str:
        return " by hand"


class CatchingNode(Node):
    """Catches the errors of its nodes."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Any) -> str:
        try:
            return str(self.nodelist.render(context))
        except ZeroDivisionError:
            return "caught"


@register.tag
def twice(parser: Any, token: Any) -> Node:
    nodelist = parser.parse(("endtwice",))
    parser.delete_first_token()
    return TwiceNode(nodelist)


@register.tag
def catching(parser: Any, token: Any) -> Node:
    nodelist = parser.parse(("endcatching",))
    parser.delete_first_token()
    return CatchingNode(nodelist)


@register.tag
def switch(parser: Any, token: Any) -> Node:
    value = parser.compile_filter(token.split_contents()[1])
    parser.parse(("case", "endswitch"))
    cases = []
    token = parser.next_token()
    while token.contents.startswith("case"):
        tested = parser.compile_filter(token.split_contents()[1])
        cases.append((token.contents, CaseNode(tested, parser.parse(("case", "endswitch")))))
        token = parser.next_token()
    return SwitchNode(value, cases)


@register.tag
def slot(parser: Any, token: Any) -> Node:
    name = token.split_contents()[1].strip('"')
    nodelist = parser.parse(("endslot",))
    parser.delete_first_token()
    return SlotNode(name, nodelist)


@register.tag
def fill(parser: Any, token: Any) -> Node:
    return FillNode()


@register.tag
def handmade(parser: Any, token: Any) -> Node:
    return HandMadeNode()


@register.simple_tag
def fail() -> str:
    raise ZeroDivisionError("by the tag")


@register.simple_tag
def greet(name: str) -> str:
    return f"hello {name}"


@register.inclusion_tag("included.html")
def including(value: Any) -> dict[str, Any]:
    return {"value": value}
