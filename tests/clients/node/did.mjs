// How a script tells the runner what it did: one JSON line for each thing that its command line names.

export const QUESTION = "What is the capital of France?";
export const TOOL_QUESTION = "How many people live in Paris?";
export const POPULATION = "2102650";

export async function tell(things) {
  for (const name of process.argv.slice(2)) {
    const told = { did: name };
    try {
      told.got = String(await things[name]());
    } catch (error) {
      told.failed = String(error);
    }
    console.log(JSON.stringify(told));
  }
}

export async function joined(stream, textOf) {
  let text = "";
  for await (const event of stream) text += textOf(event) ?? "";
  return text;
}
