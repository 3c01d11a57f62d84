// Vercel's AI SDK with OpenAI's models: responses, its default for them, and chat completions.

// snippet
import { openai } from "@ai-sdk/openai";
import { generateText } from "ai";

const { text } = await generateText({ model: openai("gpt-5-mini"), prompt: "What is the capital of France?" });
console.log(text);
// end

import { embed, isStepCount, jsonSchema, streamText, tool } from "ai";

import { joined, POPULATION, QUESTION, tell, TOOL_QUESTION } from "./did.mjs";

const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const population = tool({
  description: "How many people live in a city.",
  inputSchema: jsonSchema(parameters),
  execute: async () => POPULATION,
});
const withTool = { tools: { population }, stopWhen: isStepCount(3), prompt: TOOL_QUESTION };
const unchanged = (piece) => piece;

await tell({
  responses_stream: () => joined(streamText({ model: openai("gpt-5-mini"), prompt: QUESTION }).textStream, unchanged),
  responses_tool: async () => (await generateText({ model: openai("gpt-5-mini"), ...withTool })).text,
  responses_tool_stream: () => joined(streamText({ model: openai("gpt-5-mini"), ...withTool }).textStream, unchanged),
  chat: async () => (await generateText({ model: openai.chat("gpt-4o-mini"), prompt: QUESTION })).text,
  chat_stream: () => joined(streamText({ model: openai.chat("gpt-4o-mini"), prompt: QUESTION }).textStream, unchanged),
  embeddings: async () =>
    (await embed({ model: openai.embedding("text-embedding-3-small"), value: QUESTION })).embedding,
});
