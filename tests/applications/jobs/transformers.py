"""Renders chat templates, with the tokens of the assistant's answers marked."""

from transformers.utils.chat_template_utils import render_jinja_template

CHAT = """\
{%- if tools %}<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools>
{% endif -%}
{%- for message in messages -%}
  {%- if message.role not in ("user", "assistant", "system") -%}
    {{- raise_exception("unknown role " + message.role) -}}
  {%- endif -%}
  <|{{ message.role }}|>
  {%- if message.role == "assistant" -%}
    {% generation %}{{ message.content | trim }}<|end|>{% endgeneration %}
  {%- else -%}
    {{ message.content | trim }}<|end|>
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}<|assistant|>{% endif %}
"""
MESSAGES = [
    {"role": "system", "content": " Be brief. "},
    {"role": "user", "content": "Hi <you> & ä"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Bye"},
]


def weather(place: str) -> str:
    """
    The weather.

    Args:
        place: Where
    """
    return place


for messages in (MESSAGES, MESSAGES[1:3]):
    for prompt in (True, False):
        print(
            render_jinja_template(
                [messages], chat_template=CHAT, tools=[weather], add_generation_prompt=prompt
            )
        )
        print(
            render_jinja_template(
                [messages],
                chat_template=CHAT,
                return_assistant_tokens_mask=True,
                add_generation_prompt=prompt,
            )
        )
try:
    render_jinja_template([[{"role": "robot", "content": ""}]], chat_template=CHAT)
except Exception as error:
    print(type(error).__name__, error)
