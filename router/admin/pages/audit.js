// Audit: who did what, with a search.

import { ask } from "{{api.js}}";
import { el, failed, fill, find } from "{{dom.js}}";
import { TYPED_MS } from "{{filters.js}}";
import { exactCount, moment, plural, zone } from "{{format.js}}";
import { shell } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { view } from "{{view.js}}";

const PAGE = 50;
const LONGEST = 80;

const page = view({ text: "", who: "", action: "", receipts: "" }, load);
const list = table(find("#list"), listOf());
let rows = [];
let before = null;
let asking = new AbortController();

async function load() {
  asking.abort();
  asking = new AbortController();
  rows = [];
  before = null;
  showForm(page.now);
  await more();
}

/** What a page finds may be nothing, and more may still come before it. */
async function more() {
  try {
    const query = { ...page.now, before, limit: PAGE };
    const answer = await ask("/api/audit", { query, signal: asking.signal });
    rows = [...rows, ...answer.entries.map(({ entry, summary }) => ({ ...entry, summary }))];
    before = answer.before;
    show(answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(find("#list"), failed(error, load));
  }
  find("[aria-busy]")?.setAttribute("aria-busy", "false");
}

function show({ total, anchor, actions, unreadable }) {
  offer(find("#filters").elements.action, actions);
  list.show(rows);
  find("#more").hidden = before == null;
  find("#anchor").textContent = anchor || "There are no entries yet.";
  const wrong = unreadable ? ` ${plural(unreadable, "line")} cannot be read: run breakeven audit verify.` : "";
  find("#zones").textContent = `${exactCount(total)} in all, receipts included.${wrong} Times are in your zone, ${zone()}.`;
}

function listOf() {
  return {
    caption: "Entries",
    csv: "audit",
    nothing: ["No entries here", "Nothing was done that is looked for, or clear the filters."],
    columns: [
      { key: "seq", label: "Entry", number: true, value: (row) => row.seq },
      { key: "at", label: "Time", head: true, value: (row) => row.at, show: timeOf },
      {
        key: "who",
        label: "Who",
        value: (row) => [row.who, row.role].filter(Boolean).join(", ") || "nobody",
      },
      { key: "via", label: "From", value: (row) => `${row.via} ${row.address}` },
      { key: "action", label: "What", value: (row) => row.action },
      { key: "subject", label: "Of what", value: (row) => row.subject },
      { key: "summary", label: "Change", value: (row) => row.summary, show: changeOf },
      { key: "hash", label: "hash", only: "csv", value: (row) => row.hash },
    ],
  };
}

function timeOf(row) {
  return el("span", { class: "unbroken" }, moment(Date.parse(row.at) / 1000));
}

/** One line; what is behind it opens. */
function changeOf(row) {
  const short = row.summary.length > LONGEST ? `${row.summary.slice(0, LONGEST)}…` : row.summary;
  if (row.old == null && row.new == null && short === row.summary) return short;
  return el(
    "details",
    {},
    el("summary", {}, short || "Details"),
    el("pre", { tabindex: "0", "aria-label": `Entry ${row.seq}` }, JSON.stringify({ old: row.old, new: row.new, note: row.note }, null, 1)),
  );
}

// --- filters

function offer(select, actions) {
  if (select.options.length > 1) return;
  select.append(...Object.entries(actions).map(([name, meaning]) => el("option", { value: name, title: meaning }, name)));
  select.value = page.now.action;
}

function showForm(values) {
  const form = find("#filters");
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements[name];
    if (field.type === "checkbox") field.checked = value === "true";
    else if (field !== document.activeElement) field.value = value;
  }
}

let typing = null;

/** All fields at once: a text that was just typed must not be lost to another field that is changed right after it. */
function turn() {
  clearTimeout(typing);
  const { elements } = find("#filters");
  const valueOf = (field) => (field.type === "checkbox" ? (field.checked ? "true" : "") : field.value.trim());
  const values = Object.fromEntries(Object.keys(page.now).map((name) => [name, valueOf(elements[name])]));
  if (Object.entries(values).some(([name, value]) => value !== page.now[name])) page.go(values);
}

find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#filters").addEventListener("change", turn);
find("#filters").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(turn, TYPED_MS);
});
find("#more").addEventListener("click", more);

load();
await shell();
