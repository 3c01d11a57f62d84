// Vercel's AI SDK with Anthropic's models.

// snippet
import { anthropic } from "@ai-sdk/anthropic";
import { generateText } from "ai";

const { text } = await generateText({ model: anthropic("claude-sonnet-4-5"), prompt: "What is the capital of France?" });
console.log(text);
// end

import { isStepCount, jsonSchema, streamText, tool } from "ai";

import { joined, POPULATION, QUESTION, tell, TOOL_QUESTION } from "./did.mjs";

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const population = tool({
  description: "How many people live in a city.",
  inputSchema: jsonSchema(parameters),
  execute: async () => POPULATION,
});
const model = anthropic("claude-sonnet-4-5");
const withTool = { model, tools: { population }, stopWhen: isStepCount(3), prompt: TOOL_QUESTION };
const unchanged = (piece) => piece;

await tell({
  messages_stream: () => joined(streamText({ model, prompt: QUESTION }).textStream, unchanged),
  messages_tool: async () => (await generateText(withTool)).text,
  messages_tool_stream: () => joined(streamText(withTool).textStream, unchanged),
});
