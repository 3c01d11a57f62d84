"""pydantic-ai with Anthropic's models."""

# snippet
from pydantic_ai import Agent

agent = Agent("anthropic:claude-sonnet-4-5")
print(agent.run_sync("What is the capital of France?").output)
# end

import asyncio

from did import POPULATION, QUESTION, TOOL_QUESTION, tell


def messages_stream():
    async def run():
        async with agent.run_stream(QUESTION) as result:
            return "".join([piece async for piece in result.stream_text(delta=True)])

    return asyncio.run(run())


def messages_tool():
    def population(city: str) -> str:
        """How many people live in a city."""
        return POPULATION

    return Agent("anthropic:claude-sonnet-4-5", tools=[population]).run_sync(TOOL_QUESTION).output


tell({name: made for name, made in globals().items() if callable(made)})
