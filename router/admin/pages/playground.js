// Playground: one request with a key's rights, answered as it comes; or the same by own GPUs and by the cloud.

import { ask, lines } from "{{api.js}}";
import { badge, el, failed, fill, find } from "{{dom.js}}";
import { exactCount, exactMoney, milliseconds, money, plural, sentence } from "{{format.js}}";
import { shell } from "{{shell.js}}";

const SIDES = { "": "The answer", own: "Own GPUs", cloud: "Cloud" };
const form = find("#attempt");
let cancelling = null;

// --- what can be chosen

async function offer() {
  const choices = await ask("/api/playground");
  const refused = find("#refused");
  refused.hidden = choices.allowed;
  form.hidden = !choices.allowed;
  if (!choices.allowed) refused.textContent = sentence(choices.why_not);
  const { key, model, sensitivity } = form.elements;
  const option = (value, label = value) => el("option", { value }, label);
  key.append(...choices.keys.map(({ name, team }) => option(name, `${name} (${team})`)));
  model.append(...choices.models.map((name) => option(name)));
  sensitivity.append(...choices.levels.map((name) => option(name)));
}

function asked() {
  const { key, model, endpoint, sensitivity, max_tokens: most, whole, prompt } = form.elements;
  const common = { key: key.value, endpoint: endpoint.value, sensitivity: sensitivity.value };
  if (!whole.checked) return { ...common, model: model.value, prompt: prompt.value, max_tokens: Number(most.value) };
  const body = JSON.parse(prompt.value);
  if (body === null || Array.isArray(body) || typeof body !== "object") throw new SyntaxError("it is no object");
  return { ...common, body };
}

// --- one request, or two

async function send(sides) {
  let request;
  try {
    request = asked();
  } catch (error) {
    find("#state").textContent = `This is no JSON object: ${error.message}`;
    return;
  }
  cancelling = new AbortController();
  const { signal } = cancelling;
  busy(true);
  const cards = sides.map((side) => [side, cardOf(side)]);
  fill(
    find("#answers"),
    cards.map(([, card]) => card.place),
  );
  await Promise.all(cards.map(([side, card]) => answer({ ...request, side }, card, signal)));
  busy(false);
  find("#state").textContent = signal.aborted ? "Cancelled: the backend is asked no more." : "Done.";
}

async function answer(request, card, signal) {
  try {
    await lines("/api/playground", { body: request, signal }, card.hear);
  } catch (error) {
    if (error.name === "AbortError") card.cancelled();
    else card.fail(error);
  }
}

function busy(is) {
  for (const button of form.querySelectorAll("button[name=how]")) button.disabled = is;
  find("#cancel").hidden = !is;
  if (is) {
    find("#state").textContent = "Waiting for the answer…";
    find("#cancel").focus();
  }
}

// --- one answer

function cardOf(side) {
  const facts = el("dl", { class: "facts" });
  const text = el("pre", { class: "terminal answer", tabindex: "0", "aria-label": `Text of: ${SIDES[side]}` });
  const notes = el("div", { class: "stack" });
  const place = el("section", { class: "card", "data-side": side }, el("h2", {}, SIDES[side]), facts, text, notes);
  const fact = (name, value, title) =>
    value && facts.append(el("dt", {}, name), el("dd", { title: title || null }, value));
  const problem = (message) => notes.append(el("p", { class: "problem", role: "alert" }, message));
  text.hidden = true;
  const say = (more) => {
    text.hidden = false;
    text.append(more);
  };
  let answered = null;

  function hear(line) {
    if (line.answered) showHead((answered = line.answered));
    const said = line.event ? textOf(line.event) : line.body ? wholeText(line.body) : "";
    if (said) say(said);
    const error = errorOf(line.event ?? line.body);
    if (error) problem(error);
    if (line.failed) problem(sentence(line.failed));
    if (line.ended) showRecord(line.record ?? line.own_record, Boolean(line.record));
  }

  function showHead({ status, backend, zone, level, reason, warning }) {
    fact("Outcome", badge(status < 400 ? "good" : "bad", String(status)));
    fact("Went to", backend === "none" ? "nowhere" : `${backend} · ${zone}`);
    fact("Why", reason);
    fact("Sensitivity", level !== "none" && level);
    fact("Limit", warning);
  }

  function showRecord(record, explained) {
    if (!record) return fact("Cost", "not known yet: Requests has it soon");
    if (record.kind !== "refused") {
      fact("Tokens", `${exactCount(record.input)} in, ${exactCount(record.output)} out${record.estimated ? ", estimated" : ""}`);
      fact("Cost", money(record.cost_micro_usd), exactMoney(record.cost_micro_usd));
      fact("The other side", record.counterfactual_micro_usd > 0 && money(record.counterfactual_micro_usd));
      fact("Time", `first token after ${milliseconds(record.first_byte_ms)}, done after ${milliseconds(record.duration_ms)}`);
      fact("Attempts", record.attempts > 1 && plural(record.attempts, "attempt"));
    }
    if (!explained) return;
    const id = answered.request || record.id;
    notes.append(el("p", {}, el("a", { href: `/requests?id=${encodeURIComponent(id)}` }, "How it was decided")));
  }

  return {
    place,
    hear,
    cancelled: () => notes.append(el("p", { class: "muted" }, "Cancelled.")),
    fail: (error) => fill(notes, failed(error)),
  };
}

/** What an event of a stream adds, in each of the dialects. */
function textOf(event) {
  if (typeof event.delta === "string" && event.type?.endsWith("output_text.delta")) return event.delta;
  if (event.delta?.type === "text_delta") return event.delta.text;
  const choice = event.choices?.[0];
  return choice?.delta?.content ?? choice?.text ?? "";
}

function wholeText(body) {
  if (typeof body === "string") return body;
  if (body.error) return "";
  const parts = body.output?.flatMap((item) => item.content ?? []) ?? body.content ?? [];
  const choice = body.choices?.[0];
  const said = choice?.message?.content ?? choice?.text ?? parts.map((part) => part.text ?? "").join("");
  return said || JSON.stringify(body, null, 2);
}

const errorOf = (body) => body?.error?.message ?? body?.response?.error?.message ?? "";

// --- life

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.submitter?.value === "both" ? ["own", "cloud"] : [""]);
});
form.elements.whole.addEventListener("change", ({ target }) => {
  const { model, max_tokens: most, prompt } = form.elements;
  for (const field of [model, most]) field.disabled = target.checked;
  prompt.spellcheck = !target.checked;
  prompt.labels[0].firstChild.textContent = target.checked ? "Body " : "Prompt ";
});
find("#cancel").addEventListener("click", () => cancelling?.abort());

offer().catch((error) => fill(find("#answers"), failed(error, () => location.reload())));
await shell({});
