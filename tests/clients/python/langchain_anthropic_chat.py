"""LangChain with Anthropic's models."""

# snippet
from langchain_anthropic import ChatAnthropic

model = ChatAnthropic(model="claude-sonnet-4-5")
print(model.invoke("What is the capital of France?").text)
# end

from did import POPULATION, QUESTION, TOOL_QUESTION, tell
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool


@tool
def population(city: str) -> str:
    """How many people live in a city."""
    return POPULATION


def messages_stream():
    return "".join(chunk.text for chunk in model.stream(QUESTION))


def messages_tool():
    with_tool = model.bind_tools([population])
    messages = [HumanMessage(TOOL_QUESTION)]
    said = with_tool.invoke(messages)
    messages += [said, *(population.invoke(call) for call in said.tool_calls)]
    return with_tool.invoke(messages).text


tell({name: made for name, made in globals().items() if callable(made)})
