// Worth it? What own GPUs saved or lost, and what other terms would have made of the same traffic.

import { ask } from "{{api.js}}";
import { calculator } from "{{calculator.js}}";
import { chart } from "{{chart.js}}";
import { el, empty, failed, figure, fill, find, withCode } from "{{dom.js}}";
import { count, day, dollars, exactCount, exactMoney, money, plural } from "{{format.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { fallOf, hoursOf, SWITCHES } from "{{worth-charts.js}}";

const REFRESH_MS = 4000;
const SETTLE_MS = 120;

const fall = chart(find("#fall"), { title: "From the cloud alone to what is left" });
const hours = chart(find("#hours"), { title: "Demand, and the hours in which units were on" });
const switches = table(find("#switches"), SWITCHES);
const sliders = find("#suppose");

async function load() {
  try {
    show(await ask("/api/worth"));
  } catch (error) {
    fill(find("#sentence"), failed(error, load));
  }
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.setAttribute("aria-busy", "false");
}

function show(answer) {
  find("#sentence").textContent = answer.sentence;
  fill(find("#past-gpu"), withCode(answer.past_gpu));
  find("#past-gpu").hidden = !answer.past_gpu;
  if (answer.this_month.net_micro_usd == null) fall.none();
  else fall.show(fallOf(answer.this_month));
  showMonths(answer);
  hours.show(hoursOf(answer));
  switches.show(answer.switches);
  showStayed(answer.could_not_leave);
  beginFrom(answer.now);
}

// --- months

function showMonths({ this_month: now, last_month: before, forecast }) {
  const amounts = [
    ["Cloud alone", "cloud_alone_micro_usd"],
    ["Bought", "bought_micro_usd"],
    ["Rent, busy", "rent_busy_micro_usd"],
    ["Rent, idle", "rent_idle_micro_usd"],
  ];
  const cell = (month, name) =>
    el("td", { class: "number", title: month && exactMoney(month[name]) }, month ? money(month[name]) : "–");
  const line = ([label, name]) =>
    el("tr", {}, el("th", { scope: "row" }, label), cell(before, name), cell(now, name));
  const net = now.net_micro_usd;
  const head = ["", "Last month", "This month so far"].map((name) =>
    el("th", { scope: "col", class: "plain number" }, name || el("span", { class: "hidden-label" }, "Term")),
  );
  fill(
    find("#months"),
    el(
      "table",
      { class: "account" },
      el("caption", { class: "hidden-label" }, "This month beside the last"),
      el("thead", {}, el("tr", {}, head)),
      el(
        "tbody",
        {},
        amounts.map(line),
        el(
          "tr",
          { class: `sum ${net == null ? "" : net < 0 ? "worse" : "better"}` },
          el("th", { scope: "row" }, net == null ? "Net" : net < 0 ? "Net lost" : "Net saved"),
          cell(before, "net_micro_usd"),
          cell(now, "net_micro_usd"),
        ),
      ),
    ),
    forecast && el("p", { id: "forecast" }, forecastOf(forecast)),
    net == null && el("p", { class: "muted" }, "There is no cloud price to compare with."),
  );
}

function forecastOf({ day: last, likely_micro_usd: likely, low_micro_usd: low, high_micro_usd: high }) {
  const by = `By ${day(last)}, if the days stay as they are: `;
  const named = (micro) => `${money(Math.abs(micro))} ${micro < 0 ? "lost" : "saved"}`;
  if (low == null) return `${by}about ${named(likely)}. One day is too little to tell a range.`;
  return `${by}about ${named(likely)}; nine times in ten between ${named(low)} and ${named(high)}.`;
}

// --- what could not leave

function showStayed({ requests, tokens, cost_micro_usd: cost, rent_micro_usd: rent }) {
  fill(
    find("#stayed"),
    requests
      ? [
          el(
            "p",
            {},
            `${plural(requests, "request")} this month that only own GPUs may serve, of `,
            figure(`${count(tokens)} tokens`, exactCount(tokens)),
            ". They are no part of what was saved or lost.",
          ),
          el(
            "p",
            { class: "muted" },
            `Their share of the rent, by tokens: ${money(rent)}; and ${money(cost)} of variable cost.`,
          ),
        ]
      : empty("Nothing had to stay this month", "Requests that may not leave would be here by themselves."),
  );
}

// --- other terms

let begun = null;
let asking = null;
let timer = null;

const OUTPUTS = {
  usd_per_hour: (value) => `${dollars(value)} an hour`,
  volume: (value) => `${value} × the last week's`,
  units: (value) => plural(value, "unit"),
};

function beginFrom(now) {
  const moved = begun && JSON.stringify(values()) !== JSON.stringify(begun);
  begun = { usd_per_hour: now.usd_per_hour, volume: now.volume, units: now.units };
  sliders.usd_per_hour.max = Math.max(4, Math.ceil(4 * now.usd_per_hour));
  sliders.units.max = Math.max(8, 2 * now.units);
  if (moved) return void suppose();
  set(begun);
  showSupposed(now);
}

function set(given) {
  for (const [name, value] of Object.entries(given)) sliders[name].value = value;
  showOutputs();
}

/** A slider has steps: one that was not moved stands for the exact value. */
function values() {
  const read = (name) => {
    const input = sliders[name];
    const near = Math.abs(input.valueAsNumber - begun[name]) <= Number(input.step) / 2;
    return near ? begun[name] : input.valueAsNumber;
  };
  return Object.fromEntries(Object.keys(OUTPUTS).map((name) => [name, read(name)]));
}

function showOutputs() {
  for (const [name, value] of Object.entries(values()))
    find(`output[for=${sliders[name].id}]`).textContent = OUTPUTS[name](value);
}

async function suppose() {
  asking?.abort();
  asking = new AbortController();
  try {
    showSupposed(await ask("/api/worth/suppose", { query: values(), signal: asking.signal }));
  } catch (error) {
    if (error.name !== "AbortError") fill(find("#supposed"), failed(error, suppose));
  }
}

function showSupposed(found) {
  find("#supposed").textContent = found.sentence;
  const term = (label, amount) => el("div", {}, el("dt", {}, label), el("dd", { class: "number" }, amount));
  fill(
    find("#supposed-terms"),
    el(
      "dl",
      { class: "terms" },
      term(
        found.extrapolated_day ? `Tokens a day, extrapolated from ${found.from_hours} h` : "Tokens a day",
        count(found.tokens_per_day),
      ),
      term("Cloud alone", dollars(found.cloud_alone_usd)),
      term("Bought", dollars(found.bought_usd)),
      term("Rent", dollars(found.rent_usd)),
      term("Hours of units", count(Math.round(found.unit_hours))),
      term(found.net_usd < 0 ? "Net lost" : "Net saved", dollars(Math.abs(found.net_usd))),
    ),
  );
}

sliders.addEventListener("input", () => {
  if (!begun) return;
  showOutputs();
  clearTimeout(timer);
  timer = setTimeout(suppose, SETTLE_MS);
});
sliders.addEventListener("submit", (event) => event.preventDefault());
sliders.addEventListener("reset", (event) => {
  event.preventDefault();
  if (!begun) return;
  set(begun);
  suppose();
});

const refresh = throttled(() => load(), REFRESH_MS);
let counted = null;

load();
calculator();
await shell({
  again: refresh,
  totals({ total }) {
    if (counted !== null && counted !== total.requests) refresh();
    counted = total.requests;
  },
});
