"""Prompts of Haystack: text, chat messages, the tag `message`, routers and adapters."""

from haystack import Document
from haystack.components.builders import ChatPromptBuilder, PromptBuilder
from haystack.components.converters import OutputAdapter
from haystack.components.routers import ConditionalRouter
from haystack.dataclasses import ChatMessage

documents = [Document(content="One & two", meta={"a": 1}), Document(content="<three>")]
builder = PromptBuilder(
    "{% for each in documents %}{{ loop.index }}. {{ each.content }} {{ each.meta.a }}\n{% endfor %}Q: {{ query|upper }}",
    required_variables=["documents"],
)
print(builder.run(documents=documents, query="why?")["prompt"])
print(builder.run(documents=[])["prompt"])
other = PromptBuilder("{% set a = namespace(b=1) %}{{ a.b }}{{ x|default('no') }}")
print(other.run(x=2)["prompt"])
chat = ChatPromptBuilder(
    [
        ChatMessage.from_system("Speak {{ language }}."),
        ChatMessage.from_user("{% if polite %}Please, {% endif %}{{ question }}"),
    ]
)
print([message.text for message in chat.run(language="<b>", question="how?", polite=True)["prompt"]])
tags = ChatPromptBuilder(
    '{% message role="system" %}You are {{ name }}.{% endmessage %}\n'
    '{% for each in documents %}{% message role="user" %}{{ each.content }}{% endmessage %}{% endfor %}'
)
print([(str(m.role), m.text) for m in tags.run(name="H", documents=documents)["prompt"]])
print(
    OutputAdapter("{{ documents|map(attribute='content')|list }}", output_type=list).run(documents=documents)
)
router = ConditionalRouter(
    [
        {"condition": "{{ n > 1 }}", "output": "{{ n * 2 }}", "output_name": "many", "output_type": int},
        {"condition": "{{ n <= 1 }}", "output": "{{ n }}", "output_name": "few", "output_type": int},
    ]
)
print(router.run(n=1), router.run(n=5))
try:
    PromptBuilder("{% for x in %}")
except Exception as error:
    print(type(error).__name__)
