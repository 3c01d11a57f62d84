"""OpenAI's Agents SDK: responses, its default, and its round of a tool."""

# snippet
from agents import Agent, Runner

agent = Agent(name="Geographer", model="gpt-5-mini")
print(Runner.run_sync(agent, "What is the capital of France?").final_output)
# end

import asyncio

from agents import function_tool
from did import POPULATION, QUESTION, TOOL_QUESTION, tell


@function_tool
def population(city: str) -> str:
    """How many people live in a city."""
    return POPULATION


def responses_stream():
    async def run():
        result = Runner.run_streamed(agent, QUESTION)
        events = [event async for event in result.stream_events() if event.type == "raw_response_event"]
        return "".join(event.data.delta for event in events if event.data.type == "response.output_text.delta")

    return asyncio.get_event_loop_policy().get_event_loop().run_until_complete(run())  # the loop of run_sync


def responses_tool():
    return Runner.run_sync(Agent(name="Geographer", model="gpt-5-mini", tools=[population]), TOOL_QUESTION).final_output


tell({name: made for name, made in globals().items() if callable(made)})
