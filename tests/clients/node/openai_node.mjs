// openai-node: every endpoint that the gateway has of OpenAI's, streamed where they stream.

// snippet
import OpenAI from "openai";

const client = new OpenAI();
const answer = await client.responses.create({ model: "gpt-5-mini", input: "What is the capital of France?" });
console.log(answer.output_text);
// end

import { toFile } from "openai";

import { joined, POPULATION, QUESTION, tell, TOOL_QUESTION } from "./did.mjs";

const chatAsked = { model: "gpt-4o-mini", messages: [{ role: "user", content: QUESTION }] };
const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const populationOf = { name: "population", description: "How many people live in a city.", parameters };
const sound = () => toFile(Buffer.from("ID3\x04pretended"), "question.mp3", { type: "audio/mpeg" });
const transcribing = async () => ({ model: "gpt-4o-mini-transcribe", file: await sound() });
const speaking = { model: "gpt-4o-mini-tts", voice: "alloy", input: QUESTION };

await tell({
  chat: async () => (await client.chat.completions.create(chatAsked)).choices[0].message.content,
  chat_stream: async () => {
    const stream = client.chat.completions.stream(chatAsked);
    const text = await joined(stream, (chunk) => chunk.choices[0]?.delta.content);
    return text === (await stream.finalContent()) ? text : "the end is not the sum of its parts";
  },
  chat_tool: async () => {
    const tool = { type: "function", function: { ...populationOf, parse: JSON.parse, function: () => POPULATION } };
    const messages = [{ role: "user", content: TOOL_QUESTION }];
    return client.chat.completions.runTools({ model: "gpt-4o-mini", messages, tools: [tool] }).finalContent();
  },
  responses_stream: async () => {
    const stream = client.responses.stream({ model: "gpt-5-mini", input: QUESTION });
    const text = await joined(stream, (event) => (event.type === "response.output_text.delta" ? event.delta : ""));
    return text === (await stream.finalResponse()).output_text ? text : "the end is not the sum of its parts";
  },
  responses_tool: async () => {
    const asked = [{ role: "user", content: TOOL_QUESTION }];
    const tools = [{ type: "function", strict: true, ...populationOf }];
    const said = await client.responses.create({ model: "gpt-5-mini", input: asked, tools });
    const told = { type: "function_call_output", call_id: said.output[0].call_id, output: POPULATION };
    const input = [...asked, ...said.output, told];
    return (await client.responses.create({ model: "gpt-5-mini", input, tools })).output_text;
  },
  responses_continued: async () => {
    const more = { model: "gpt-5-mini", input: QUESTION, previous_response_id: answer.id };
    return (await client.responses.create(more)).output_text;
  },
  responses_stored: async () => {
    const kept = await client.responses.create({ model: "gpt-5-mini", input: QUESTION });
    const text = (await client.responses.retrieve(kept.id)).output_text;
    await client.responses.delete(kept.id);
    return text;
  },
  embeddings: async () =>
    (await client.embeddings.create({ model: "text-embedding-3-small", input: QUESTION })).data[0].embedding,
  moderations: async () => (await client.moderations.create({ input: QUESTION })).results[0].flagged,
  transcription: async () => (await client.audio.transcriptions.create(await transcribing())).text,
  transcription_stream: async () => {
    const stream = await client.audio.transcriptions.create({ ...(await transcribing()), stream: true });
    return joined(stream, (event) => (event.type === "transcript.text.delta" ? event.delta : ""));
  },
  speech: async () => Buffer.from(await (await client.audio.speech.create(speaking)).arrayBuffer()),
  speech_stream: async () => {
    const { body } = await client.audio.speech.create(speaking);
    return joined(body, (part) => Buffer.from(part).toString());
  },
  image: async () =>
    (await client.images.generate({ model: "gpt-image-1", prompt: "A lighthouse" })).data[0].b64_json.length,
  image_stream: async () => {
    const asked = { model: "gpt-image-1", prompt: "A lighthouse", stream: true, partial_images: 1 };
    return joined(await client.images.generate(asked), (event) => `${event.type} `);
  },
  image_edit: async () => {
    const picture = await toFile(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), "lighthouse.png", { type: "image/png" });
    return (await client.images.edit({ model: "gpt-image-1", image: picture, prompt: "At night" })).data[0].b64_json.length;
  },
  files: async () => {
    const file = await toFile(Buffer.from("Paris is a city."), "notes.txt");
    const kept = await client.files.create({ file, purpose: "user_data" });
    const text = await (await client.files.content(kept.id)).text();
    return (await client.files.delete(kept.id)).deleted ? text : "it is still there";
  },
  models: async () => joined(await client.models.list(), (model) => `${model.id} `),
});
