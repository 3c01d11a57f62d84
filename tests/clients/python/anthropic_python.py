"""anthropic-python: messages, streamed and not, tools, and counting tokens."""

# snippet
from anthropic import Anthropic

client = Anthropic()
answer = client.messages.create(
    model="claude-sonnet-4-5",
    max_tokens=100,
    messages=[{"role": "user", "content": "What is the capital of France?"}],
)
print(answer.content[0].text)
# end

from did import POPULATION, QUESTION, TOOL_QUESTION, tell

ASKED = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": [{"role": "user", "content": QUESTION}]}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "population", "description": "How many people live in a city.", "input_schema": PARAMETERS}]


def messages_stream():
    with client.messages.stream(**ASKED) as stream:
        text = "".join(stream.text_stream)
        assert stream.get_final_message().content[0].text == text
    return text


def messages_tool():
    asked = {"role": "user", "content": TOOL_QUESTION}
    said = client.messages.create(model="claude-sonnet-4-5", max_tokens=100, tools=TOOLS, messages=[asked])
    [call] = said.content
    assert call.input == {"city": "Paris"}
    told = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": POPULATION}]}
    whole = [asked, {"role": "assistant", "content": said.content}, told]
    with client.messages.stream(model="claude-sonnet-4-5", max_tokens=100, tools=TOOLS, messages=whole) as stream:
        return "".join(stream.text_stream)


def count_tokens():
    return client.messages.count_tokens(model="claude-sonnet-4-5", messages=ASKED["messages"]).input_tokens


def models():
    return [model.id for model in client.models.list()]


tell({name: made for name, made in globals().items() if callable(made)})
