// Spend: what was paid, for what, and what the other choice would have cost.

import { showAccount } from "{{account.js}}";
import { ask, queryOf } from "{{api.js}}";
import { budgetColumns, chargedNotes } from "{{budgets.js}}";
import { chart } from "{{chart.js}}";
import { badge, el, empty, failed, figure, fill, find } from "{{dom.js}}";
import { count, day, exactCount, exactMoney, money, percent, plural, zone } from "{{format.js}}";
import { costOf, tokensOf } from "{{series.js}}";
import { namesOf, several } from "{{several.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { trendOf } from "{{trend.js}}";
import { view } from "{{view.js}}";

const REFRESH_MS = 4000;
const CHOICES = ["model", "backend", "zone", "key"]; // of which one can be chosen
const FILTERS = ["team", ...CHOICES];
const GROUPS = { backend: "Backend", zone: "Zone", model: "Model", team: "Team", key: "Key" };
const BY_RECORD = { tag: "Tag", endpoint: "Endpoint" }; // what the totals do not know
const RANGES = { today: "Today", "7d": "7 days", "30d": "30 days", month: "This month" };

const page = view(
  { range: "today", from: "", to: "", by: "backend", team: [], model: "", backend: "", zone: "", key: "" },
  load,
);
const tokensChart = chart(find("#tokens"), { title: "Tokens over time" });
const costChart = chart(find("#cost"), { title: "Cost over time" });
const teams = several(find("#team"), "teams");
const budgetTable = table(find("#budgets"), budgetColumns());
let asking = new AbortController();
let rowsTable = null;
let counted = null; // today's requests, as they were last shown or told of
let told = 0; // as they were last told of: what is asked for meanwhile may come from before that

// --- asking

const filtersOf = (values) => Object.fromEntries(FILTERS.map((name) => [name, values[name]]));
const isFiltered = (values) => FILTERS.some((name) => values[name].length);
const rangeOf = (values) => (values.from ? { from: values.from, to: values.to } : { range: values.range });
const queryFor = (values) => ({ ...rangeOf(values), by: values.by, ...filtersOf(values) });

async function load(values = page.now, quietly = false) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  showForm(values);
  if (!quietly) waiting(values);
  const parts = [
    [ask("/api/spend", { query: queryFor(values), signal }), (spend) => show(values, spend), "#account"],
    [
      ask("/api/spend/glance", { query: filtersOf(values), signal }),
      (found) => showGlance(values, found),
      "#glance",
    ],
    [ask("/api/budgets", { signal }), (answer) => showBudgets(values, answer), "#budgets"],
  ];
  await Promise.all(parts.map(([answer, display, place]) => arrive(answer, display, find(place), quietly)));
  if (signal.aborted) return;
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.setAttribute("aria-busy", "false");
  if (!quietly) find("#loading").textContent = `${titleOf(values)} is shown.`;
}

/** What fails quietly leaves the numbers from before: the notice above tells why they do not change. */
async function arrive(answer, display, place, quietly) {
  try {
    display(await answer);
  } catch (error) {
    if (error.name === "AbortError" || (quietly && !find(".problem, .waiting", place))) return;
    fail(error, place);
  }
}

/** Said once, where the account stands. */
function fail(error, place) {
  if (place.id === "glance") return fill(place, el("li", { class: "muted" }, "Not known now"));
  if (place.id === "account") {
    for (const each of [tokensChart, costChart]) each.none();
    fill(find("#rows"), empty("Not known now"));
  }
  return fill(
    place,
    failed(error, () => load()),
  );
}

function waiting(values) {
  find("#loading").textContent = `Loading ${titleOf(values)}…`;
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.setAttribute("aria-busy", "true");
  if (!find("#account").hasChildNodes()) fill(find("#account"), el("p", { class: "waiting" }, "Adding up…"));
  if (!find("#rows").hasChildNodes()) fill(find("#rows"), el("p", { class: "waiting" }, "Adding up…"));
  if (!find("#glance").hasChildNodes())
    fill(
      find("#glance"),
      Object.keys(RANGES).map((range) =>
        el("li", { class: "tile" }, RANGES[range], el("span", { class: "amount waiting" }, "…")),
      ),
    );
}

const titleOf = (values) =>
  values.from ? `Spend from ${values.from}` : `Spend of ${RANGES[values.range] ?? "today"}`.toLowerCase();

// --- at a glance

function showGlance(values, { days, month }) {
  if (!isFiltered(values)) {
    counted = days.at(-1).requests;
    if (counted < told) refresh();
  }
  const sum = (points, name) => points.reduce((total, point) => total + point[name], 0);
  const tileOf = (range, cost, requests, note = "") => {
    const chosen = !values.from && values.range === range;
    const trend = trendOf(range, days);
    return el(
      "li",
      {},
      el(
        "a",
        {
          class: "tile",
          href: page.address({ range, from: null, to: null }),
          "aria-current": chosen && "true",
          "data-part": range,
          onclick: (event) => goTo(event, { range, from: null, to: null }),
        },
        el("span", { class: "label" }, RANGES[range]),
        el("span", { class: "amount", title: exactMoney(cost) }, money(cost)),
        el("span", { class: "muted" }, note || plural(requests, "request")),
        trend && el("span", { class: "muted", title: trend.title }, trend.text),
      ),
    );
  };
  const ofDays = (range, back) => {
    const points = days.slice(-back);
    return tileOf(range, sum(points, "cost_micro_usd") + sum(points, "rent_micro_usd"), sum(points, "requests"));
  };
  const { forecast } = month;
  const expected = forecast && `about ${money(forecast.bought_micro_usd + forecast.rent_micro_usd)} by ${day(forecast.day)}`;
  fill(
    find("#glance"),
    ofDays("today", 1),
    ofDays("7d", 7),
    ofDays("30d", 30),
    tileOf("month", paid(month), month.requests, expected),
  );
}

function goTo(event, changes) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  page.go(changes);
}

/** All that went out: by the token, and rent. */
const paid = (total) => total.cost_micro_usd + total.rent_micro_usd;

// --- the chosen view

function show(asked, spend) {
  // Who sees some teams only is shown these, and which they are.
  const values = { ...asked, team: spend.teams };
  showChoices(values, spend);
  showForm(values);
  showSentence(values, spend);
  showAccount(find("#account"), spend);
  tokensChart.show(tokensOf(spend));
  costChart.show(costOf(spend));
  showRows(values, spend);
  find("#zones").textContent =
    `Days begin at midnight in ${spend.timezone}, the policy's time zone. Hours are shown in yours, ${zone()}.`;
}

function showSentence(values, spend) {
  const { total } = spend;
  const span = spend.first === spend.last ? day(spend.first) : `${day(spend.first)} to ${day(spend.last)}`;
  const [team] = values.team;
  const whose = values.team.length > 1 ? namesOf(values.team, "teams") : team && `team ${team}`;
  const others = CHOICES.filter((name) => values[name]).map((name) => `${name} ${values[name]}`);
  const of = [whose, ...others].filter(Boolean).join(", ");
  const share = total.local_tokens / (total.local_tokens + total.cloud_tokens);
  find("#sentence").textContent = total.requests
    ? `${span}${of ? `, ${of}` : ""}: ${plural(total.requests, "request")} for ${money(paid(total))}, rent included; ${percent(share || 0, 0)} of the tokens came from your own GPUs.`
    : `${span}${of ? `, ${of}` : ""}: no traffic.`;
}

// --- rows

function showRows(values, spend) {
  const { by } = spend;
  find("#rows-title").textContent = `By ${by}`;
  const kept = Object.fromEntries(spend.dimensions.map((name) => [name, labelOf(name)]));
  const groups = { ...GROUPS, ...BY_RECORD, ...kept, [by]: labelOf(by) };
  fill(
    find("#by"),
    Object.entries(groups).map(([name, label]) =>
      el(
        "a",
        {
          href: page.address({ by: name }),
          "aria-current": name === by && "true",
          onclick: (event) => {
            goTo(event, { by: name });
          },
        },
        label,
      ),
    ),
  );
  fill(
    find("#rows-notes"),
    spend.notes.map((note) => el("p", { class: "muted" }, note)),
  );
  if (rowsTable?.by !== by) rowsTable = { by, table: table(find("#rows"), rowsOf(by)) };
  rowsTable.table.show(spend.rows);
  find("#rows .csv")?.setAttribute("href", `/api/spend${queryOf({ ...queryFor(values), format: "csv" })}`);
}

const labelOf = (by) => GROUPS[by] ?? BY_RECORD[by] ?? (by === "user" ? "User" : by);

/** What a row's name leads to: the same view of it alone, or its requests, where totals do not know it. */
function leadTo(by, name) {
  const alone = { [by]: by === "team" ? [name] : name };
  if (by in GROUPS) return { href: page.address(alone), onclick: (event) => goTo(event, alone) };
  if (name.startsWith("(")) return null;
  const wanted = by.startsWith("metadata.") ? { metadata: `${by.slice(9)}=${name}` } : { [by]: name };
  return { href: `/requests${queryOf({ ...filtersOf(page.now), ...wanted })}` };
}

function rowsOf(by) {
  const tokens = (key, label, hint) => ({
    key,
    label,
    hint,
    value: (row) => row[key],
    show: (row) => figure(count(row[key]), exactCount(row[key])),
    number: true,
  });
  const micro = (key, label, hint) => ({
    key,
    label,
    hint,
    value: (row) => row[key],
    show: (row) => figure(money(row[key]), exactMoney(row[key])),
    number: true,
  });
  const where = {
    key: "zone",
    label: "Where",
    value: (row) => `${row.local ? "own" : "cloud"} ${row.zone}`,
    show: (row) => badge(row.local ? "local" : "cloud", row.local ? `own · ${row.zone}` : `cloud · ${row.zone}`),
  };
  return {
    caption: `Spend by ${by}`,
    csvLink: el("a", { class: "csv quiet", download: true }, "CSV"),
    nothing: ["No traffic in this view", "Requests appear here as soon as they are settled."],
    columns: [
      {
        key: "name",
        label: labelOf(by),
        head: true,
        value: (row) => row.name,
        show: (row) => {
          const lead = leadTo(by, row.name);
          return lead ? el("a", { title: `Only ${row.name}`, ...lead }, row.name || "(none)") : row.name;
        },
      },
      ...(by === "backend" || by === "zone" ? [where] : []),
      micro("cost_micro_usd", "Cost", "Without rent"),
      micro("cloud_alone_micro_usd", "Cloud alone", "What the cloud would have charged for all that could go there"),
      micro("rent_micro_usd", "Rent", "Of the time in which own GPUs worked, by tokens"),
      micro("net_micro_usd", "Net", "Cloud alone, less what was bought and the rent"),
      tokens("requests", "Requests"),
      tokens("errors", "Errors"),
      tokens("input", "Input", "Input tokens, the cached ones included"),
      tokens("cached", "Cached"),
      tokens("output", "Output"),
    ],
  };
}

// --- budgets

function showBudgets(values, { budgets, available }) {
  if (!available)
    return fill(
      find("#budgets"),
      empty("This gateway keeps no budgets", "Limits are set in the policy, per key, per team or for everybody."),
    );
  const about = (use) =>
    use.scope === "global" ||
    (!values.team.length && !values.key) ||
    values.team.some((team) => use.scope === `team:${team}`) ||
    use.scope === `key:${values.key}`;
  const shown = budgets.filter(about);
  fill(find("#budgets-notes"), chargedNotes(shown));
  return budgetTable.show(shown);
}

// --- filters

function showChoices(values, spend) {
  const told = spend.by === "team" ? spend.rows.map((row) => row.name) : [];
  teams.show(values.team, [...spend.choices.teams, ...told]);
  for (const name of CHOICES) {
    const select = find("#filters").elements[name];
    const seen = spend.by === name ? spend.rows.map((row) => row.name) : [];
    const names = [...new Set([...spend.choices[`${name}s`], ...seen, values[name]].filter(Boolean))];
    fill(
      select,
      select.options[0],
      names.map((each) => el("option", { value: each }, each)),
    );
    select.value = values[name];
  }
}

function showForm(values) {
  const form = find("#filters");
  teams.show(values.team);
  for (const name of ["from", "to", ...CHOICES]) {
    const field = form.elements[name];
    if (
      field.tagName === "SELECT" &&
      values[name] &&
      ![...field.options].some((option) => option.value === values[name])
    )
      field.append(el("option", { value: values[name] }, values[name]));
    if (document.activeElement !== field || field.tagName === "SELECT") field.value = values[name];
  }
}

find("#filters").addEventListener("change", ({ target }) => {
  const value = target.value || null;
  if (target.name === "from" || target.name === "to") {
    const { from, to } = find("#filters").elements;
    if (from.value) page.go({ from: from.value, to: to.value || null });
    else if (target.name === "from") page.go({ from: null, to: null });
    return;
  }
  page.go(target.name === "team" ? { team: teams.chosen } : { [target.name]: value });
});
find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#filters").addEventListener("reset", (event) => {
  event.preventDefault();
  page.go({ from: null, to: null, ...Object.fromEntries(FILTERS.map((name) => [name, null])) });
});

// --- life

const refresh = throttled(() => load(page.now, true), REFRESH_MS);

load();
await shell({
  again: refresh,
  totals(totals) {
    const now = totals.total.requests;
    if (counted !== null && counted !== now) refresh();
    counted = told = now;
    if (isFiltered(page.now)) return;
    const amount = find('#glance [data-part="today"] .amount');
    if (amount) fill(amount, money(paid(totals.total))).title = exactMoney(paid(totals.total));
  },
});
