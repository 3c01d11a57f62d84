// Which card for which model? All figures are the gateway's: `breakeven size` computes them.

import { ask } from "{{api.js}}";
import { el, failed, fill, find } from "{{dom.js}}";
import { count, dollars, exactCount, rate, sentence } from "{{format.js}}";
import { view } from "{{view.js}}";

const DEFAULTS = { model: "", gpu: "", quantization: "", context: "", concurrency: "", against: "" };
const price = (usd) => (usd < 1 ? rate(usd) : dollars(usd));
const GIB = (value) => `${value.toFixed(1)} GiB`;

export function calculator() {
  const form = find("#size");
  const place = find("#sized");
  const address = view(DEFAULTS, show);
  let asking = new AbortController();

  async function offer() {
    try {
      const { models, gpus, quantizations, against } = await ask("/api/sizing/choices");
      const option = (name) => el("option", { value: name }, name);
      fill(form.model, models.map(option));
      fill(form.gpu, gpus.map(option));
      fill(form.quantization, quantizations.map(option));
      fill(find("#apis"), against.map(option));
      find("button", form).disabled = false;
      form.gpu.value = "L40S";
      form.quantization.value = "awq";
      if (against.length) form.against.value = against[0];
      show(address.now);
    } catch (error) {
      fill(place, failed(error, offer));
    }
  }

  /** Nothing is computed before somebody asks. */
  async function show(values) {
    if (!values.model) return void fill(place);
    for (const [name, value] of Object.entries(values)) if (value || name === "against") form[name].value = value;
    asking.abort();
    asking = new AbortController();
    place.setAttribute("aria-busy", "true");
    try {
      fill(place, sizedOf(await ask("/api/sizing", { query: values, signal: asking.signal })));
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(place, el("p", { class: "problem", role: "alert" }, sentence(error.message)));
    }
    place.setAttribute("aria-busy", "false");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = Object.keys(DEFAULTS).map((name) => [name, form[name].value.trim()]);
    address.go(Object.fromEntries(chosen));
  });
  offer();
}

// --- what was found

function sizedOf({ sizing, volume_known: known }) {
  const [option] = sizing.options;
  const on = `${option.cards} x ${option.gpu}`;
  const weights = `${sizing.model} with ${option.quantization} weights`;
  const verdict = option.fits
    ? `${weights} fits ${on}.`
    : `${weights} does not fit ${option.gpu}: ${option.why_not}.`;
  return [
    el("p", { class: "lead", role: "status" }, verdict),
    el("dl", { class: "terms" }, memoryOf(option), option.fits && speedOf(option)),
    option.fits && moneyOf(sizing, option, known),
    el("p", {}, qualityOf(option)),
    option.launch && launchOf(option),
    el(
      "p",
      { class: "muted" },
      `For vLLM ${sizing.vllm.since} or later. Tokens a second are what bandwidth and arithmetic of the data sheets allow at most: an estimate that servers stay below, so a million tokens cost at least what stands here.`,
    ),
  ].flat();
}

const term = (label, text, title) =>
  el("div", {}, el("dt", {}, label), el("dd", { class: "number", title: title || null }, text));

const memoryOf = (option) => [
  term("Weights, on each card", GIB(option.weights_gib)),
  term("Room for the KV cache, on each card", GIB(Math.max(0, option.kv_room_gib))),
  term("Tokens that fit in it", count(option.kv_tokens), exactCount(option.kv_tokens)),
  term("Conversations at once", option.conversations.toFixed(1)),
];

const speedOf = (option) => [
  term("Cards (tensor parallel)", String(option.cards)),
  term("Tokens a second, at most (estimate)", count(Math.round(option.estimate.tokens_per_second))),
];

function moneyOf(sizing, { cost, cards, gpu }, known) {
  if (!cost) return el("p", {}, `What renting ${gpu} costs is not known: there is no price to compute with.`);
  const both = (of, show) => {
    const [low, high] = [of(cost.low), of(cost.high)].map(show);
    return low === high ? low : `${low} to ${high}`;
  };
  const volume = sizing.tokens_per_day;
  const none = known ? "no tokens in 24 hours" : "the ledger cannot be read";
  return [
    el(
      "dl",
      { class: "terms" },
      term(`Rent of ${cards} x ${gpu}, an hour`, both((at) => at.usd_per_hour, dollars)),
      term("A million tokens at full load, at least", both((at) => at.usd_per_million_at_full_load, price)),
      term(
        volume
          ? `A million at the present ${count(volume)} a day${moreCards(cost.low, cards, gpu)}`
          : "A million at the present volume",
        volume ? both((at) => at.usd_per_million_at_volume, price) : none,
      ),
      sizing.against && [
        term(`A million from ${sizing.against.model}`, price(sizing.against.usd_per_million)),
        term("Beats it from, tokens a day", both((at) => at.break_even, beats)),
      ],
    ),
    el("p", { class: "muted" }, `Rent: ${cost.source}${cost.seen ? `, seen ${cost.seen}` : ""}.`),
  ];
}

const moreCards = ({ cards_for_volume: needed }, cards, gpu) =>
  needed > cards ? `, for which ${cards} x ${gpu} is not enough: with ${count(needed)} of them` : "";

const beats = ({ reachable, tokens_per_day: tokens }) =>
  reachable && tokens != null ? count(Math.round(tokens)) : "never";

function qualityOf({ quantization, quality }) {
  if (!quality) return `Quality of ${quantization} weights: none known.`;
  const whole = quality.unquantized == null ? "" : `, where the whole weights have ${quality.unquantized}`;
  return `Quality of ${quantization} weights: ${quality.score} on ${quality.benchmark}${whole} (${quality.source}).`;
}

function launchOf({ launch, launch_note: note }) {
  const flags = Object.entries(launch).map(([key, value]) => `  ${key}: ${value}`);
  return [
    el("h3", {}, "In a policy"),
    el("pre", { class: "terminal", tabindex: "0" }, ["launch:", ...flags].join("\n")),
    note && el("p", { class: "muted" }, sentence(note)),
  ];
}
