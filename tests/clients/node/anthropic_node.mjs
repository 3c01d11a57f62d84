// Anthropic's SDK for TypeScript: messages, streamed and not, tools, and counting tokens.

// snippet
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic();
const answer = await client.messages.create({
  model: "claude-sonnet-4-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "What is the capital of France?" }],
});
console.log(answer.content[0].text);
// end

import { joined, POPULATION, QUESTION, tell, TOOL_QUESTION } from "./did.mjs";

const asked = { model: "claude-sonnet-4-5", max_tokens: 100, messages: [{ role: "user", content: QUESTION }] };
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ name: "population", description: "How many people live in a city.", input_schema: parameters }];

await tell({
  messages_stream: async () => {
    const stream = client.messages.stream(asked);
    const text = await joined(stream, (event) => event.delta?.text);
    return text === (await stream.finalText()) ? text : "the end is not the sum of its parts";
  },
  messages_tool: async () => {
    const messages = [{ role: "user", content: TOOL_QUESTION }];
    const said = await client.messages.create({ ...asked, messages, tools });
    messages.push({ role: "assistant", content: said.content });
    const told = { type: "tool_result", tool_use_id: said.content[0].id, content: POPULATION };
    messages.push({ role: "user", content: [told] });
    return client.messages.stream({ ...asked, messages, tools }).finalText();
  },
  count_tokens: async () => {
    const { model, messages } = asked;
    return (await client.messages.countTokens({ model, messages })).input_tokens;
  },
});
