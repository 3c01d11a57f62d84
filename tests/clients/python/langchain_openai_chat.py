"""LangChain with OpenAI's models: chat completions by default, responses where it is told to."""

# snippet
from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="gpt-4o-mini")
print(model.invoke("What is the capital of France?").text)
# end

from did import POPULATION, QUESTION, TOOL_QUESTION, tell
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_openai import OpenAIEmbeddings


@tool
def population(city: str) -> str:
    """How many people live in a city."""
    return POPULATION


def chat_stream():
    return "".join(chunk.text for chunk in model.stream(QUESTION))


def chat_tool():
    with_tool = model.bind_tools([population])
    messages = [HumanMessage(TOOL_QUESTION)]
    said = with_tool.invoke(messages)
    messages += [said, *(population.invoke(call) for call in said.tool_calls)]
    return with_tool.invoke(messages).text


def responses():
    return ChatOpenAI(model="gpt-5-mini", use_responses_api=True).invoke(QUESTION).text


def responses_stream():
    return "".join(chunk.text for chunk in ChatOpenAI(model="gpt-5-mini", use_responses_api=True).stream(QUESTION))


def embeddings():
    return OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False).embed_query(QUESTION)


tell({name: made for name, made in globals().items() if callable(made)})
