"""pydantic-ai with OpenAI's models: responses, its default for them."""

# snippet
from pydantic_ai import Agent

agent = Agent("openai:gpt-5-mini")
print(agent.run_sync("What is the capital of France?").output)
# end

import asyncio

from did import POPULATION, QUESTION, TOOL_QUESTION, tell


async def streamed(asked):
    async with asked.run_stream(QUESTION) as result:
        return "".join([piece async for piece in result.stream_text(delta=True)])


def responses_stream():
    return asyncio.run(streamed(agent))


def responses_tool():
    def population(city: str) -> str:
        """How many people live in a city."""
        return POPULATION

    return Agent("openai:gpt-5-mini", tools=[population]).run_sync(TOOL_QUESTION).output


def chat():
    return Agent("openai-chat:gpt-4o-mini").run_sync(QUESTION).output


def chat_stream():
    return asyncio.run(streamed(Agent("openai-chat:gpt-4o-mini")))


tell({name: made for name, made in globals().items() if callable(made)})
