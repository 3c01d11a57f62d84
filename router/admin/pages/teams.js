// Teams: a list to search, one of them with its keys and limits, and its budget in the ledger.

import { ask } from "{{api.js}}";
import { budgetColumns } from "{{budgets.js}}";
import { badge, el, failed, fill, find, withCode } from "{{dom.js}}";
import { count, exactCount, money, sentence } from "{{format.js}}";
import { budgetForm, confirmed, field } from "{{key-forms.js}}";
import { may } from "{{roles.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { lastUse, nameOf, PAGE, pages, usageColumns } from "{{usage.js}}";
import { view } from "{{view.js}}";

const REFRESH_MS = 3000;
const TYPED_MS = 250;

const page = view({ team: "", search: "", offset: "0" }, turn);
const list = table(find("#list"), listOf());
const sheet = find("#sheet");
let asking = new AbortController();
let choices = null;
let role = "member";
let opened = "";
let typing = null;

// --- the list

async function turn(values = page.now) {
  const search = find("#filters").elements.search;
  if (search !== document.activeElement) search.value = values.search;
  await load();
  await open(values.team);
}

async function load() {
  asking.abort();
  asking = new AbortController();
  const { search, offset } = page.now;
  try {
    const query = { search, offset, limit: PAGE };
    show(await ask("/api/teams", { query, signal: asking.signal }));
  } catch (error) {
    if (error.name === "AbortError") return;
    fill(find("#list"), failed(error, load));
  }
  find("[aria-busy]")?.setAttribute("aria-busy", "false");
}

function show(answer) {
  choices = answer.taken && answer.models && { models: answer.models, limits: answer.budget_settings };
  find("#rule").textContent =
    `${answer.rule} Budgets of the policy are edited in the policy. A team is whatever a key, a budget or the policy names.`;
  find("#off").hidden = answer.taken;
  fill(
    find("#off"),
    withCode("The policy in force takes no teams of the ledger: set `server: {stored_keys: true}` in it first."),
  );
  find("#make").hidden = !(may(role, "admin") && choices);
  list.show(answer.teams);
  pages(find("#pages"), {
    offset: Number(page.now.offset) || 0,
    total: answer.total,
    one: "team",
    go: (offset) => page.go({ offset }),
  });
}

function listOf() {
  return {
    caption: "Teams",
    csv: "teams",
    nothing: ["No teams here", "A key that names a team makes one."],
    columns: [
      {
        key: "name",
        label: "Team",
        head: true,
        value: (team) => team.name,
        show: (team) =>
          el(
            "a",
            { href: page.address({ team: team.name }), onclick: (event) => follow(event, team.name) },
            nameOf(team.name),
          ),
      },
      {
        key: "keys",
        label: "Working keys",
        number: true,
        value: (team) => team.keys,
        show: (team) => exactCount(team.keys),
      },
      { key: "source", label: "Budget kept in", value: (team) => team.source, show: sourceOf },
      ...usageColumns(),
      { key: "tokens", label: "tokens", only: "csv", value: (team) => team.tokens },
    ],
  };
}

function sourceOf(team) {
  if (team.problems.length) return badge("warn", `${team.source}, see why`);
  return team.budget ? team.source : "–";
}

function follow(event, team) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  page.go({ team });
}

// --- one team

async function open(name) {
  const place = find("#detail");
  if (name === opened) return;
  opened = name;
  place.hidden = !name;
  if (!name) return;
  fill(place, headOf(nameOf(name)), el("p", { class: "waiting", role: "status" }, "Loading…"));
  await reopen();
  find("#detail-title").focus();
}

async function reopen() {
  const name = opened;
  if (!name) return;
  try {
    const team = await ask(`/api/teams/${encodeURIComponent(name)}`);
    if (opened === name) showTeam(team);
  } catch (error) {
    if (opened === name) fill(find("#detail"), headOf(nameOf(name)), failed(error, reopen));
  }
}

function headOf(title) {
  return el(
    "div",
    { class: "title" },
    el("h2", { id: "detail-title", tabindex: "-1" }, title),
    el("button", { type: "button", class: "quiet", onclick: close }, "Close"),
  );
}

function close() {
  const address = page.address({ team: opened });
  page.go({ team: null });
  [...document.querySelectorAll("#list a")].find((link) => link.getAttribute("href") === address)?.focus();
}

function showTeam(team) {
  const fact = (name, value) => [el("dt", {}, name), el("dd", {}, value)];
  const limits = el("div");
  fill(
    find("#detail"),
    headOf(nameOf(team.name)),
    team.problems.map((problem) => el("p", { class: "problem" }, withCode(sentence(problem)))),
    el(
      "dl",
      { class: "facts" },
      fact("Last used", lastUse(team.last_used)),
      fact("Spent this month", `${money(team.spent_micro_usd)}, ${count(team.tokens)} tokens`),
      fact("Working keys", team.members.length ? membersOf(team) : "none"),
    ),
    limits,
    actionsOf(team),
  );
  const columns = { ...budgetColumns(), caption: "Limits", csv: "", nothing: ["No limits", "The team has no budget."] };
  table(limits, columns).show(team.limits);
}

function membersOf(team) {
  const links = team.members.flatMap((key) => [el("a", { href: `/keys?id=${key.id}` }, nameOf(key.name)), " "]);
  const more = team.keys - team.members.length;
  return more > 0 ? [...links, `and ${exactCount(more)} more`] : links;
}

function actionsOf(team) {
  const stored = team.version !== "none";
  const edits = may(role, "admin") && choices;
  const act = (text, does, kind = "quiet") =>
    el("button", { type: "button", class: kind, onclick: () => does(team) }, text);
  return el(
    "div",
    { class: "row" },
    edits && team.source !== "policy" && act(stored ? "Edit its budget" : "Set a budget", edit),
    edits && stored && act("Remove its budget", remove, "quiet danger"),
    el("a", { class: "quiet", href: `/keys?team=${encodeURIComponent(team.name)}` }, "Its keys"),
    el("a", { class: "quiet", href: `/spend?team=${encodeURIComponent(team.name)}` }, "Its spend"),
  );
}

// --- what an admin does

const pathOf = (name) => `/api/teams/${encodeURIComponent(name)}/budget`;

function make() {
  const name = field("Team", { name: "team", required: true, maxlength: 128, autocomplete: "off" });
  budgeted({ title: "Give a team a budget", name, team: { version: "none", budget: null } });
}

function edit(team) {
  budgeted({ title: ["Budget of ", nameOf(team.name)], team });
}

function budgeted({ title, name, team }) {
  const budget = budgetForm(choices, team.budget);
  confirmed(sheet, {
    title,
    says: "All keys of the team share it.",
    fields: [name?.label, budget.node].filter(Boolean),
    submit: "Save",
    conflict: reopen,
    async send() {
      const whose = name ? name.input.value.trim() : team.name;
      const body = { budget: budget.value() ?? {} };
      await ask(pathOf(whose), { method: "PUT", body, headers: { "if-match": team.version } });
      await done(whose);
    },
  });
}

function remove(team) {
  confirmed(sheet, {
    title: ["Remove the budget of ", nameOf(team.name)],
    says: "Its keys are no longer limited together. Their own budgets and that of everybody stay.",
    submit: "Remove it",
    danger: true,
    conflict: reopen,
    async send() {
      await ask(pathOf(team.name), { method: "DELETE", headers: { "if-match": team.version } });
      await done(team.name);
    },
  });
}

async function done(name) {
  sheet.close();
  await load();
  if (name === opened) await reopen();
  else page.go({ team: name });
}

find("#filters").addEventListener("submit", (event) => event.preventDefault());
find("#filters").addEventListener("input", ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(() => page.go({ search: target.value.trim() || null, offset: null }), TYPED_MS);
});
find("#make").addEventListener("click", make);

const refresh = throttled(() => sheet.open || load(), REFRESH_MS);
({ role } = await shell({ again: refresh, requests: refresh }));
turn();
