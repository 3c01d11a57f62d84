"""pydantic-ai with OpenAI's models: responses, its default for them."""

# snippet
from pydantic_ai import Agent

agent = Agent("openai:gpt-5-mini")
print(agent.run_sync("What is the capital of France?").output)
# end

import asyncio

from did import POPULATION, QUESTION, TOOL_QUESTION, tell


def responses_stream():
    async def run():
        async with agent.run_stream(QUESTION) as result:
            return "".join([piece async for piece in result.stream_text(delta=True)])

    return asyncio.run(run())


def responses_tool():
    def population(city: str) -> str:
        """How many people live in a city."""
        return POPULATION

    return Agent("openai:gpt-5-mini", tools=[population]).run_sync(TOOL_QUESTION).output


def chat():
    return Agent("openai-chat:gpt-4o-mini").run_sync(QUESTION).output


tell({name: made for name, made in globals().items() if callable(made)})
