"""LlamaIndex with OpenAI's models: chat completions, and responses by a class of its own."""

# snippet
from llama_index.llms.openai import OpenAI

model = OpenAI(model="gpt-4o-mini")
print(model.complete("What is the capital of France?"))
# end

from did import POPULATION, QUESTION, TOOL_QUESTION, tell
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses


def chat_stream():
    return "".join(chunk.delta or "" for chunk in model.stream_chat([ChatMessage(QUESTION)]))


def chat_tool():
    def population(city: str) -> str:
        """How many people live in a city."""
        return POPULATION

    return model.predict_and_call([FunctionTool.from_defaults(population)], user_msg=TOOL_QUESTION)


def responses():
    return OpenAIResponses(model="gpt-5-mini").chat([ChatMessage(QUESTION)])


def responses_stream():
    chunks = OpenAIResponses(model="gpt-5-mini").stream_chat([ChatMessage(QUESTION)])
    return "".join(chunk.delta or "" for chunk in chunks)


tell({name: made for name, made in globals().items() if callable(made)})
