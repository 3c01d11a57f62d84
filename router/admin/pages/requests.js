// Requests: a live list of decisions, and one of them explained.

import { ask } from "{{api.js}}";
import { badge, copied, el, failed, figure, fill, find } from "{{dom.js}}";
import { explained } from "{{explain.js}}";
import { offer } from "{{filters.js}}";
import { clock, count, exactCount, exactMoney, milliseconds, moment, money, zone } from "{{format.js}}";
import { instantOf, localOf } from "{{moments.js}}";
import { fact, opened } from "{{opened.js}}";
import { several } from "{{several.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { view } from "{{view.js}}";

const REFRESH_MS = 1500;
const MOST_ROWS = 1000;
const NAMES = ["backend", "model", "endpoint", "key"];
const UNITS = [
  ["audio_input", "of sound in"],
  ["audio_cached", "of sound cached"],
  ["audio_output", "of sound out"],
  ["image_input", "of pictures in"],
  ["image_cached", "of pictures cached"],
  ["image_output", "of pictures out"],
  ["sound_ms", "ms of sound"],
  ["characters", "characters"],
  ["images", "pictures"],
  ["searches", "searches"],
  ["image_kind", ""],
];
const KINDS = {
  settled: "answered",
  refused: "refused",
  held: "charged as held",
  lifted: "charge taken back",
  withdrawn: "estimate taken back",
  final: "what it took in the background",
};

const FILTERS = {
  ...{ backend: "", model: "", endpoint: "", team: [], key: "", tag: "", reason: "", status: "", kind: "", failed: "" },
  ...{ search: "", user: "", metadata: "", from: "", to: "" },
};
const TIMES = ["from", "to"];
const LATE_SECONDS = 900; // a search that is made again does not find what was settled later than that

const page = view({ id: "", ...FILTERS }, turn);
const one = opened({
  page,
  name: "id",
  path: (id) => `/api/requests/${encodeURIComponent(id)}`,
  title: () => "One request",
  waiting: "Explaining…",
  show: showDetail,
});
const list = table(find("#list"), listOf());
const teams = several(find("#team"), "teams");
let rows = [];
let before = null;
let paused = false;
let shownFilters = null;

const filtersOf = ({ id, ...filters }) => filters;
const queryOf = ({ search, ...filters }) => ({ ...filters, id: search, limit: 100 });

const searches = () => Object.values(filtersOf(page.now)).some((value) => value.length);
const shortlyBefore = (at) => new Date((at - LATE_SECONDS) * 1000).toISOString();

// --- the list

async function turn(values = page.now) {
  const filters = JSON.stringify(filtersOf(values));
  showForm(values);
  if (filters !== shownFilters) {
    shownFilters = filters;
    rows = [];
    find("#reached").textContent = "";
    await load();
  }
  await one.open(values.id);
}

async function load() {
  const asked = shownFilters;
  try {
    const filters = filtersOf(page.now);
    const later = rows.length && searches() && !filters.from && { from: shortlyBefore(rows[0].at) };
    const answer = await ask("/api/requests", { query: { ...queryOf(filters), ...later } });
    if (asked !== shownFilters) return;
    if (!rows.length) {
      before = answer.before;
      showReached(answer);
    }
    offerDimensions(answer.dimensions);
    merge(answer.requests);
    show(answer);
  } catch (error) {
    fill(find("#list"), failed(error, load));
  }
  find("[aria-busy]")?.setAttribute("aria-busy", "false");
}

/** What is new comes first. A request that was settled late has several records under one id. */
function merge(found) {
  const known = new Map(rows.map((record) => [`${record.kind} ${record.id}`, record]));
  for (const record of found) known.set(`${record.kind} ${record.id}`, record);
  rows = [...known.values()].sort((a, b) => b.at - a.at).slice(0, MOST_ROWS);
  offer(find("#filters").elements.endpoint, [...new Set(rows.map((record) => record.endpoint))].sort());
}

/** How far back was looked: a search that found little may find more before that. */
function showReached({ before: more, looked_back_to: reached }) {
  find("#more").textContent = searches() ? "Look further back" : "Show earlier ones";
  find("#reached").textContent =
    !searches() || !reached
      ? ""
      : more
        ? `Looked through what was recorded back to ${moment(reached)}.`
        : "All that is kept was looked through.";
}

function offerDimensions(names) {
  const kept = { user: names.includes("user"), metadata: names.some((name) => name.startsWith("metadata.")) };
  for (const [name, is] of Object.entries(kept))
    find(`[data-dimension="${name}"]`).hidden = !is && !page.now[name];
}

function show({ available = true } = {}) {
  if (!available)
    return fill(
      find("#list"),
      el(
        "div",
        { class: "empty" },
        el("p", { class: "empty-title" }, "This gateway keeps no records"),
        el("p", {}, "Records of requests, without their content, are turned on in the policy."),
      ),
    );
  find("#more").hidden = !before;
  return list.show(rows);
}

function listOf() {
  const number = (key, label, show, title) => ({
    key,
    label,
    number: true,
    value: (record) => record[key],
    show: (record) => figure(show(record[key]), title?.(record[key])),
  });
  return {
    caption: "Decisions",
    csv: "requests",
    nothing: ["No requests here", "Send one, or clear the filters."],
    columns: [
      {
        key: "at",
        label: "Time",
        head: true,
        value: (record) => new Date(record.at * 1000).toISOString(),
        show: (record) => one.link(record.id, clock(record.at), moment(record.at)),
      },
      {
        key: "backend",
        label: "Went to",
        value: (record) => record.backend || "nowhere",
        show: (record) =>
          record.backend ? el("span", { class: "unbroken" }, `${record.backend} · ${record.zone}`) : "nowhere",
      },
      {
        key: "status",
        label: "Outcome",
        value: (record) => record.status || record.kind,
        show: outcomeOf,
      },
      { key: "reason", label: "Why", value: (record) => record.reason },
      { key: "model", label: "Model", value: (record) => record.model },
      { key: "endpoint", label: "Endpoint", value: (record) => record.endpoint },
      {
        key: "level",
        label: "Sensitivity",
        value: (record) => [record.level, ...record.tags].filter(Boolean).join(", "),
      },
      {
        key: "key",
        label: "Key (team)",
        value: (record) => record.key,
        show: (record) => `${record.key} (${record.team})`,
      },
      { key: "dimensions", label: "For", only: "csv", value: (record) => record.dimensions.join(", ") },
      number("input", "In", count, exactCount),
      number("output", "Out", count, exactCount),
      number("cost_micro_usd", "Cost", money, exactMoney),
      number("first_byte_ms", "First token", (ms) => (ms ? milliseconds(ms) : "–")),
      number("duration_ms", "Whole", (ms) => (ms ? milliseconds(ms) : "–")),
      ...[
        "team",
        "zone",
        "kind",
        "cached",
        "cache_write",
        "estimated",
        "counterfactual_micro_usd",
        "attempts",
        "stream",
        "sent_ms",
        "detail",
        "service",
        "cache_write_1h",
        ...UNITS.map(([key]) => key),
      ].map((key) => ({ key, label: key, only: "csv", value: (record) => record[key] })),
      {
        key: "id",
        label: "Request",
        value: (record) => record.request || record.id,
        show: (record) =>
          el("code", { title: record.request || record.id }, (record.request || record.id).slice(0, 12)),
      },
    ],
  };
}

function outcomeOf(record) {
  const wrong = record.error || record.kind === "refused";
  return badge(
    wrong ? "bad" : record.kind === "held" ? "warn" : "good",
    [record.status || "", KINDS[record.kind]].filter(Boolean).join(" "),
  );
}

/** What it used that is no text, in words. */
const unitsOf = (record) =>
  UNITS.filter(([key]) => record[key])
    .map(([key, of]) => (of ? `${exactCount(record[key])} ${of}` : record[key]))
    .join(", ");

find("#more").addEventListener("click", async () => {
  try {
    const answer = await ask("/api/requests", { query: { ...queryOf(filtersOf(page.now)), before } });
    before = answer.before;
    showReached(answer);
    merge(answer.requests);
    show();
  } catch (error) {
    find("#more").textContent = `${error.message} Try again`;
  }
});

// --- one request

function showDetail({ record, explanation, decided_by: by, in_force: now, agrees, assumed }) {
  const saved = record.counterfactual_micro_usd - record.cost_micro_usd;
  fill(
    find("#detail"),
    one.heading(record.backend ? `Why it went to ${record.backend}` : "Why it went nowhere"),
    el(
      "dl",
      { class: "facts" },
      fact("When", moment(record.at)),
      fact("Request", [el("code", {}, record.request || record.id), record.endpoint && ` to ${record.endpoint}`]),
      fact("Outcome", [outcomeOf(record), record.detail && ` ${record.detail}`].filter(Boolean)),
      record.dimensions.length > 0 && fact("For", forWhom(record.dimensions)),
      fact("Reason", `${record.reason || "–"}${record.attempts > 1 ? `, at the ${record.attempts}. attempt` : ""}`),
      record.kind !== "refused" &&
        fact(
          "Tokens",
          `${exactCount(record.input)} in (${exactCount(record.cached)} cached), ${exactCount(record.output)} out${record.estimated ? ", estimated" : ""}`,
        ),
      unitsOf(record) !== "" && fact("Sound and pictures", unitsOf(record)),
      record.kind !== "refused" &&
        fact(
          "Cost",
          `${money(record.cost_micro_usd)}; the other side ${money(record.counterfactual_micro_usd)} (${saved < 0 ? "" : "+"}${money(saved)})`,
          exactMoney(record.cost_micro_usd),
        ),
      record.kind !== "refused" &&
        fact(
          "Time",
          record.duration_ms
            ? `sent after ${milliseconds(record.sent_ms)}, first token after ${milliseconds(record.first_byte_ms)}, done after ${milliseconds(record.duration_ms)}`
            : "–",
        ),
    ),
    explanation
      ? explained(explanation)
      : el("p", {}, "The policy that decided is not known any more, so it cannot be explained."),
    explanation &&
      !agrees &&
      el(
        "p",
        { class: "problem" },
        "The explanation ends elsewhere than the request did: something that records do not hold was different then, such as a backend's health or its load.",
      ),
    el(
      "p",
      { class: "muted" },
      [
        by ? `Decided by policy ${by}${by === now ? ", in force now" : "; another one is in force now"}.` : "",
        ...assumed,
      ].join(" "),
    ),
  );
}

/** Each leads to all requests for the same. */
const forWhom = (dimensions) =>
  dimensions.flatMap((each, at) => {
    const is = each.startsWith("user=") ? { user: each.slice(5) } : { metadata: each.replace(/^metadata\./, "") };
    return [at ? ", " : "", el("a", { href: page.address({ ...FILTERS, ...is, id: null }) }, each)];
  });

// --- filters

function showForm(values) {
  const form = find("#filters");
  for (const name of NAMES) offer(form.elements[name], [values[name]]);
  const { team, ...others } = filtersOf(values);
  teams.show(team);
  for (const [name, value] of Object.entries(others)) {
    const field = form.elements[name];
    if (field.type === "checkbox") field.checked = value === "true";
    else if (TIMES.includes(name)) field.value = localOf(value);
    else if (field !== document.activeElement) field.value = value;
  }
}

async function offerChoices() {
  const { choices } = await ask("/api/spend", { query: { range: "today" } });
  for (const name of NAMES) offer(find("#filters").elements[name], choices[`${name}s`] ?? []);
  teams.show(page.now.team, choices.teams);
  showForm(page.now);
}

find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#filters").addEventListener("change", ({ target }) => {
  if (!target.reportValidity()) return;
  if (target.name === "team") return page.go({ team: teams.chosen });
  const value = TIMES.includes(target.name) ? instantOf(target.value) : target.value.trim();
  page.go({ [target.name]: (target.type === "checkbox" ? target.checked && "true" : value) || null });
});
find("#filters").addEventListener("reset", (event) => {
  event.preventDefault();
  page.go(FILTERS);
});
find("#copy").addEventListener("click", async () => {
  const address = new URL(page.address({}), location.href).href;
  find("#told").textContent = (await copied(address))
    ? "The link is copied."
    : "The browser does not allow copying here: take the link from its address bar.";
  find("#copy").textContent = find("#told").textContent.startsWith("The link") ? "Copied" : "Copy link";
});
find("#pause").addEventListener("click", ({ target }) => {
  paused = !paused;
  target.setAttribute("aria-pressed", paused);
  target.textContent = paused ? "Go on" : "Pause";
  if (!paused) load();
});

const refresh = throttled(() => !paused && load(), REFRESH_MS);

find("#zones").textContent = `Times are in your zone, ${zone()}.`;
turn();
offerChoices().catch(() => {});
await shell({ again: refresh, requests: refresh });
