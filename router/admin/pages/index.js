// Spend: what was paid, for what, and what the other choice would have cost.

import { ask, queryOf } from "{{api.js}}";
import { chart } from "{{chart.js}}";
import { badge, el, empty, failed, figure, fill, find } from "{{dom.js}}";
import { chartTime, count, day, exactCount, exactMoney, money, percent, plural, zone } from "{{format.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { view } from "{{view.js}}";

const REFRESH_MS = 4000;
const FLATTEST = 5;
const FILTERS = ["team", "model", "backend", "zone", "key"];
const GROUPS = { backend: "Backend", zone: "Zone", model: "Model", team: "Team", key: "Key" };
const RANGES = { today: "Today", "7d": "7 days", "30d": "30 days", month: "This month" };

const page = view({ range: "today", from: "", to: "", by: "backend", team: "", model: "", backend: "", zone: "", key: "" }, load);
const tokensChart = chart(find("#tokens"), { title: "Tokens over time" });
const costChart = chart(find("#cost"), { title: "Cost over time" });
const budgetTable = table(find("#budgets"), budgetColumns());
const dollarTick = { tickprefix: "$", separatethousands: true, exponentformat: "none" };
let asking = new AbortController();
let rowsTable = null;

// --- asking

const filtersOf = (values) => Object.fromEntries(FILTERS.map((name) => [name, values[name]]));
const isFiltered = (values) => FILTERS.some((name) => values[name]);
const rangeOf = (values) => (values.from ? { from: values.from, to: values.to } : { range: values.range });
const queryFor = (values) => ({ ...rangeOf(values), by: values.by, ...filtersOf(values) });

async function load(values = page.now, quietly = false) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  showForm(values);
  if (!quietly) waiting(values);
  const query = filtersOf(values);
  const parts = [
    [ask("/api/spend", { query: queryFor(values), signal }), (spend) => show(values, spend), "#account"],
    [Promise.all(["30d", "month"].map((range) => ask("/api/spend", { query: { range, ...query }, signal }))), ([days, month]) => showGlance(values, days, month), "#glance"],
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
  return fill(place, failed(error, () => load()));
}

function waiting(values) {
  find("#loading").textContent = `Loading ${titleOf(values)}…`;
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.setAttribute("aria-busy", "true");
  if (!find("#account").hasChildNodes()) fill(find("#account"), el("p", { class: "waiting" }, "Adding up…"));
  if (!find("#rows").hasChildNodes()) fill(find("#rows"), el("p", { class: "waiting" }, "Adding up…"));
  if (!find("#glance").hasChildNodes()) fill(find("#glance"), Object.keys(RANGES).map((range) => el("li", { class: "tile" }, RANGES[range], el("span", { class: "amount waiting" }, "…"))));
}

const titleOf = (values) => (values.from ? `Spend from ${values.from}` : `Spend of ${RANGES[values.range] ?? "today"}`.toLowerCase());

// --- at a glance

function showGlance(values, days, month) {
  const sum = (points, name) => points.reduce((total, point) => total + point[name], 0);
  const tileOf = (range, cost, requests, note = "") => {
    const chosen = !values.from && values.range === range;
    return el("li", {},
      el("a", { class: "tile", href: page.address({ range, from: null, to: null }), "aria-current": chosen && "true", "data-part": range, onclick: (event) => goTo(event, { range, from: null, to: null }) },
        el("span", { class: "label" }, RANGES[range]),
        el("span", { class: "amount", title: exactMoney(cost) }, money(cost)),
        el("span", { class: "muted" }, note || plural(requests, "request"))));
  };
  const ofDays = (range, back) => {
    const points = days.series.slice(-back);
    return tileOf(range, sum(points, "cost_micro_usd"), sum(points, "requests"));
  };
  const { forecast } = month;
  const expected = forecast && `about ${money(forecast.cost_micro_usd)} by ${day(forecast.day)}`;
  fill(find("#glance"),
    ofDays("today", 1), ofDays("7d", 7),
    tileOf("30d", days.total.cost_micro_usd, days.total.requests),
    tileOf("month", month.total.cost_micro_usd, month.total.requests, expected));
}

function goTo(event, changes) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  page.go(changes);
}

// --- the chosen view

function show(values, spend) {
  showChoices(values, spend);
  showSentence(values, spend);
  showAccount(spend);
  showTokens(spend);
  showCost(spend);
  showRows(values, spend);
  find("#zones").textContent = `Days begin at midnight in ${spend.timezone}, the policy's time zone. Hours are shown in yours, ${zone()}.`;
}

function showSentence(values, spend) {
  const { total } = spend;
  const span = spend.first === spend.last ? day(spend.first) : `${day(spend.first)} to ${day(spend.last)}`;
  const of = FILTERS.filter((name) => values[name]).map((name) => `${name} ${values[name]}`).join(", ");
  const share = total.local_tokens / (total.local_tokens + total.cloud_tokens);
  find("#sentence").textContent = total.requests
    ? `${span}${of ? `, ${of}` : ""}: ${plural(total.requests, "request")} for ${money(total.cost_micro_usd)}; ${percent(share || 0, 0)} of the tokens came from your own GPUs.`
    : `${span}${of ? `, ${of}` : ""}: no traffic.`;
}

function showAccount(spend) {
  const { total, rent_micro_usd: rent, net_saved_micro_usd: net } = spend;
  const saved = net ?? total.avoided_micro_usd;
  const line = (label, micro, kind = "", note = "") =>
    el("tr", { class: kind }, el("th", { scope: "row" }, label, note && el("small", {}, note)), el("td", { class: "number", title: exactMoney(micro) }, money(micro)));
  const verdict = rent == null ? "Saved, before rent" : saved < 0 ? "More than the cloud alone" : "Saved";
  fill(find("#account"),
    el("table", { class: "account" }, el("caption", { class: "hidden-label" }, "The account"), el("tbody", {},
      line("Requests", total.cost_micro_usd, "", "cloud charges, and what own GPUs cost per token"),
      rent == null ? null : line("Rent of the GPUs", rent, "", "since the first day with traffic"),
      rent == null ? null : line("Together", total.cost_micro_usd + rent, "sum"),
      line("In the cloud alone", total.cloud_only_micro_usd, "", "the same requests, bought"),
      line(verdict, rent != null && saved < 0 ? -saved : saved, `sum ${saved < 0 ? "worse" : "better"}`))),
    spend.forecast && forecastOf(spend.forecast),
    rent == null && el("p", { class: "muted" }, "Rent is not divided among teams, models and keys: clear the filters to see it."),
    splitOf(total),
    el("p", { class: "muted" }, `${plural(total.errors, "error")}; ${count(total.estimated)} with estimated tokens; ${count(total.unsettled)} never settled. `,
      el("span", { title: exactMoney(total.counterfactual_micro_usd) }, `Had each request gone to the other side: ${money(total.counterfactual_micro_usd)}.`)));
}

function forecastOf({ day: last, cost_micro_usd: cost, cloud_only_micro_usd: cloud, net_saved_micro_usd: saved, formula }) {
  const verdict = saved == null ? "" : `; with the month's rent that is ${money(Math.abs(saved))} ${saved < 0 ? "more than the cloud alone" : "saved"}`;
  return el("p", { title: formula }, `By ${day(last)}, at this pace: about ${money(cost)} for requests, ${money(cloud)} in the cloud alone${verdict}.`);
}

/** Own and bought tokens as two parts of a bar, with their names and numbers. */
function splitOf(total) {
  const all = total.local_tokens + total.cloud_tokens;
  const part = (kind, name, tokens) => el("p", { class: `part ${kind}` }, el("span", { class: "swatch", "aria-hidden": "true" }), `${name} `, figure(`${count(tokens)} tokens`, exactCount(tokens)), all ? ` · ${percent(tokens / all, 0)}` : "");
  return el("div", { class: "split" },
    all > 0 && el("progress", { max: all, value: total.local_tokens, "aria-label": "Share of tokens from own GPUs" }),
    part("local", "Own GPUs", total.local_tokens), part("cloud", "Cloud", total.cloud_tokens));
}

const atOf = (spend) => (point) => (spend.step === "hour" ? chartTime(point.at) : point.day);
const nameOf = (spend) => (point) => atOf(spend)(point).replace("T", " ");
const timeAxis = (spend) => ({ type: "date", tickformat: spend.step === "hour" ? "%H:%M\n%b %-d" : "%b %-d", hoverformat: spend.step === "hour" ? "%H:%M, %b %-d" : "%b %-d" });

/** The lines are for all traffic, so they say nothing about a part of it. */
function linesOf(spend) {
  if (spend.rent_micro_usd == null) return [];
  const per = spend.step === "hour" ? 24 : 1;
  const { threshold_tokens_per_day: threshold, break_even_tokens_per_day: even } = spend.lines;
  const found = [threshold && ["Threshold", threshold], even && ["Break-even", even]].filter(Boolean);
  return found.map(([name, perDay]) => ({ name: `${name}, ${count(perDay)} a day`, at: perDay / per }));
}

const peakOf = (points) => Math.max(...points.map((point) => point.local_tokens + point.cloud_tokens), 0);

/** Lines far above the bars would flatten them: those are named at the top instead. */
function inReach(lines, points) {
  const peak = peakOf(points);
  return lines.filter((line) => peak === 0 || line.at <= peak * FLATTEST);
}

const above = (lines, step, colours) => lines.map((line, at) => ({
  text: `↑ ${line.name}${step === "hour" ? ` (${count(line.at)} an hour)` : ""}`, showarrow: false,
  xref: "paper", yref: "paper", x: 0.01, xanchor: "left", y: 1 - at * 0.1, yanchor: "top", font: { color: colours.accent }, bgcolor: colours.surface,
}));

function showTokens(spend) {
  const lines = linesOf(spend);
  const near = inReach(lines, spend.series);
  const far = lines.filter((line) => !near.includes(line));
  const x = spend.series.map(atOf(spend));
  const sum = (name) => spend.series.reduce((total, point) => total + point[name], 0);
  const drawnIn = lines.length ? ` ${lines.map((line) => `${line.name}${spend.step === "hour" ? ` (${count(line.at)} an hour)` : ""}`).join("; ")}.` : "";
  tokensChart.show({
    words: `Tokens per ${spend.step}: ${count(sum("local_tokens"))} from own GPUs, ${count(sum("cloud_tokens"))} from the cloud.${drawnIn}`,
    traces: (colours) => [
      bars("Own GPUs", x, spend.series.map((point) => point.local_tokens), { color: colours.local }),
      bars("Cloud", x, spend.series.map((point) => point.cloud_tokens), { color: colours.cloud, pattern: { shape: "/", fillmode: "overlay", fgcolor: colours.surface, fgopacity: 0.6, size: 6 } }),
      ...near.map((line, at) => lineAt(line, x, at ? colours.accent : colours.ink, at ? "dot" : "dash")),
    ],
    layout: (colours) => ({ barmode: "stack", bargap: 0.15, annotations: above(far, spend.step, colours), xaxis: timeAxis(spend), yaxis: { tickformat: "~s", ...(far.length && { range: [0, peakOf(spend.series) * 1.25] }) } }),
    rows: spend.series,
    columns: [
      { key: "at", label: spend.step === "hour" ? "Hour" : "Day", value: nameOf(spend), head: true },
      { key: "local", label: "Own GPUs", value: (point) => point.local_tokens, show: (point) => exactCount(point.local_tokens), number: true },
      { key: "cloud", label: "Cloud", value: (point) => point.cloud_tokens, show: (point) => exactCount(point.cloud_tokens), number: true },
      { key: "requests", label: "Requests", value: (point) => point.requests, show: (point) => exactCount(point.requests), number: true },
    ],
  });
}

const bars = (name, x, y, marker) => ({ type: "bar", name, x, y, marker, hovertemplate: "%{y:,.3~s}" });

function lineAt(line, x, color, dash) {
  return { type: "scatter", mode: "lines", name: line.name, x, y: x.map(() => line.at), line: { color, dash, width: 2 }, hovertemplate: "%{y:,.3~s}" };
}

function showCost(spend) {
  const x = spend.series.map(atOf(spend));
  const running = (name) => { let sum = 0; return spend.series.map((point) => (sum += point[name]) / 1e6); };
  const { total } = spend;
  costChart.show({
    words: `Added up, without rent: ${money(total.cost_micro_usd)} paid, ${money(total.cloud_only_micro_usd)} in the cloud alone.`,
    traces: (colours) => [
      { type: "scatter", mode: "lines", name: "In the cloud alone", x, y: running("cloud_only_micro_usd"), line: { color: colours.cloud, dash: "dash", width: 2 }, hovertemplate: "$%{y:,.4~f}" },
      { type: "scatter", mode: "lines", name: "Paid", x, y: running("cost_micro_usd"), line: { color: colours.local, width: 3 }, hovertemplate: "$%{y:,.4~f}" },
    ],
    layout: () => ({ xaxis: timeAxis(spend), yaxis: dollarTick }),
    rows: spend.series,
    columns: [
      { key: "at", label: spend.step === "hour" ? "Hour" : "Day", value: nameOf(spend), head: true },
      ...[["cost_micro_usd", "Paid"], ["cloud_only_micro_usd", "In the cloud alone"], ["counterfactual_micro_usd", "On the other side"]].map(([key, label]) => (
        { key, label, value: (point) => point[key] / 1e6, show: (point) => figure(money(point[key]), exactMoney(point[key])), number: true })),
    ],
  });
}

// --- rows

function showRows(values, spend) {
  const { by } = spend;
  find("#rows-title").textContent = `By ${by}`;
  fill(find("#by"), Object.entries(GROUPS).map(([name, label]) =>
    el("a", { href: page.address({ by: name }), "aria-current": name === by && "true", onclick: (event) => { goTo(event, { by: name }); } }, label)));
  if (rowsTable?.by !== by) rowsTable = { by, table: table(find("#rows"), rowsOf(by)) };
  rowsTable.table.show(spend.rows);
  find("#rows .csv")?.setAttribute("href", `/api/spend${queryOf({ ...queryFor(values), format: "csv" })}`);
}

function rowsOf(by) {
  const tokens = (key, label, hint) => ({ key, label, hint, value: (row) => row[key], show: (row) => figure(count(row[key]), exactCount(row[key])), number: true });
  const micro = (key, label, hint) => ({ key, label, hint, value: (row) => row[key], show: (row) => figure(money(row[key]), exactMoney(row[key])), number: true });
  const where = { key: "zone", label: "Where", value: (row) => `${row.local ? "own" : "cloud"} ${row.zone}`, show: (row) => badge(row.local ? "local" : "cloud", row.local ? `own · ${row.zone}` : `cloud · ${row.zone}`) };
  return {
    caption: `Spend by ${by}`,
    csvLink: el("a", { class: "csv quiet", download: true }, "CSV"),
    nothing: ["No traffic in this view", "Requests appear here as soon as they are settled."],
    columns: [
      { key: "name", label: GROUPS[by], head: true, value: (row) => row.name, show: (row) => el("a", { href: page.address({ [by]: row.name }), title: `Only ${row.name}`, onclick: (event) => goTo(event, { [by]: row.name }) }, row.name || "(none)") },
      ...(by === "backend" || by === "zone" ? [where] : []),
      micro("cost_micro_usd", "Cost", "Without rent"),
      micro("cloud_only_micro_usd", "Cloud alone", "What the same requests would have cost in the cloud"),
      micro("avoided_micro_usd", "Avoided", "Cloud alone minus cost; rent is not taken off"),
      tokens("requests", "Requests"), tokens("errors", "Errors"),
      tokens("input", "Input", "Input tokens, the cached ones included"), tokens("cached", "Cached"), tokens("output", "Output"),
    ],
  };
}

// --- budgets

const MEASURES = { usd: money, tokens: count, requests: count, concurrent: count };
const PERIODS = { minute: "a minute", day: "a day", month: "a month", "": "at once" };

function budgetColumns() {
  const amount = (key, label) => ({ key, label, value: (use) => use[key], show: (use) => MEASURES[use.measure](use[key]), number: true });
  const used = (use) => (use.amount ? (use.used + use.held) / use.amount : 1);
  return {
    caption: "Budgets",
    csv: "budgets",
    sort: ["share", "descending"],
    nothing: ["No budgets", "The policy sets no limits, or none for this choice."],
    columns: [
      { key: "scope", label: "Who", value: (use) => use.scope, show: (use) => whose(use), head: true },
      { key: "what", label: "What", value: (use) => `${use.measure === "usd" ? "money" : use.measure} ${PERIODS[use.period]}` },
      amount("amount", "Limit"), amount("used", "Used"), amount("held", "Held"), amount("left", "Left"),
      { key: "share", label: "Share", value: used, number: true, show: (use) => meterOf(use, used(use)) },
    ],
  };
}

function whose(use) {
  const [kind, ...name] = use.scope.split(":");
  const narrow = [use.model, use.side !== "all" && use.side].filter(Boolean).join(", ");
  return `${kind === "global" ? "Everybody" : `${kind} ${name.join(":")}`}${narrow ? ` (${narrow})` : ""}`;
}

function meterOf(use, share) {
  const state = share >= 1 ? "spent" : use.soft != null && share >= use.soft ? "nearly spent" : "";
  return el("span", { class: `use ${state && "high"}` },
    el("progress", { max: 1, value: Math.min(1, share), "aria-label": "Used and held" }),
    ` ${percent(share, 0)}${state ? ` ${state}` : ""}`);
}

function showBudgets(values, { budgets, available }) {
  if (!available) return fill(find("#budgets"), empty("This gateway keeps no budgets", "Limits are set in the policy, per key, per team or for everybody."));
  const about = (use) => use.scope === "global" || (!values.team && !values.key) || use.scope === `team:${values.team}` || use.scope === `key:${values.key}`;
  return budgetTable.show(budgets.filter(about));
}

// --- filters

function showChoices(values, spend) {
  for (const name of FILTERS) {
    const select = find("#filters").elements[name];
    const seen = spend.by === name ? spend.rows.map((row) => row.name) : [];
    const names = [...new Set([...spend.choices[`${name}s`], ...seen, values[name]].filter(Boolean))];
    fill(select, select.options[0], names.map((each) => el("option", { value: each }, each)));
    select.value = values[name];
  }
}

function showForm(values) {
  const form = find("#filters");
  for (const name of ["from", "to", ...FILTERS]) {
    const field = form.elements[name];
    if (field.tagName === "SELECT" && values[name] && ![...field.options].some((option) => option.value === values[name])) field.append(el("option", { value: values[name] }, values[name]));
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
  page.go({ [target.name]: value });
});
find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#filters").addEventListener("reset", (event) => {
  event.preventDefault();
  page.go({ from: null, to: null, ...Object.fromEntries(FILTERS.map((name) => [name, null])) });
});

// --- life

const refresh = throttled(() => load(page.now, true), REFRESH_MS);
let counted = null;

load();
await shell({
  again: refresh,
  totals(totals) {
    const now = totals.total.requests;
    if (counted !== null && counted !== now) refresh();
    counted = now;
    if (isFiltered(page.now)) return;
    const amount = find('#glance [data-part="today"] .amount');
    if (amount) fill(amount, money(totals.total.cost_micro_usd)).title = exactMoney(totals.total.cost_micro_usd);
  },
});
