// Teams: a list to search, one of them with its keys and limits, and its budget in the ledger.

import { ask } from "{{api.js}}";
import { budgetColumns, chargedNotes } from "{{budgets.js}}";
import { badge, el, fill, find, withCode } from "{{dom.js}}";
import { filtered, showFilters } from "{{filters.js}}";
import { count, exactCount, money, sentence } from "{{format.js}}";
import { budgetForm, budgetIn, confirmed, field } from "{{key-forms.js}}";
import { fact, opened } from "{{opened.js}}";
import { paged } from "{{paged.js}}";
import { may } from "{{roles.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { lastUse, nameOf, usageColumns } from "{{usage.js}}";
import { view } from "{{view.js}}";

const REFRESH_MS = 3000;

const page = view({ team: "", search: "", offset: "0" }, turn);
const load = paged({ page, path: "/api/teams", query: () => filtersOf(page.now), one: "team", show });
const one = opened({
  page,
  name: "team",
  path: (name) => `/api/teams/${encodeURIComponent(name)}`,
  title: nameOf,
  show: showTeam,
});
const list = table(find("#list"), listOf());
const sheet = find("#sheet");
let choices = null;
let role = "member";

const filtersOf = ({ team, ...filters }) => filters;

// --- the list

async function turn(values = page.now) {
  showFilters(values);
  await load();
  await one.open(values.team);
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
        show: (team) => one.link(team.name, nameOf(team.name)),
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

// --- one team

function showTeam(team) {
  const limits = el("div");
  fill(
    find("#detail"),
    one.heading(nameOf(team.name)),
    team.problems.map((problem) => el("p", { class: "problem" }, withCode(sentence(problem)))),
    el(
      "dl",
      { class: "facts" },
      fact("Last used", lastUse(team.last_used)),
      fact("Spent this month", `${money(team.spent_micro_usd)}, ${count(team.tokens)} tokens`),
      fact("Working keys", team.members.length ? membersOf(team) : "none"),
    ),
    limits,
    chargedNotes(team.limits),
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
  const began = { version: team.version };
  const whose = () => (name ? name.input.value.trim() : team.name);
  confirmed(sheet, {
    title,
    says: "All keys of the team share it.",
    fields: [name?.label, budget.node].filter(Boolean),
    submit: "Save",
    conflict: () => presently(whose(), began),
    async send() {
      const body = { budget: budget.value() ?? {} };
      await ask(pathOf(whose()), { method: "PUT", body, headers: { "if-match": began.version } });
      await done(whose());
    },
  });
}

/** What a team has after somebody else changed it, from which the next try begins; without a budget it may be gone. */
async function presently(name, began) {
  const now = await ask(`/api/teams/${encodeURIComponent(name)}`).catch((error) => {
    if (error.code !== "unknown_team") throw error;
    return { version: "none", budget: null };
  });
  began.version = now.version;
  one.again();
  return now.budget ? budgetIn(now.budget) : "without a budget";
}

function remove(team) {
  const began = { version: team.version };
  confirmed(sheet, {
    title: ["Remove the budget of ", nameOf(team.name)],
    says: "Its keys are no longer limited together. Their own budgets and that of everybody stay.",
    submit: "Remove it",
    danger: true,
    conflict: () => presently(team.name, began),
    async send() {
      await ask(pathOf(team.name), { method: "DELETE", headers: { "if-match": began.version } });
      await done(team.name);
    },
  });
}

async function done(name) {
  sheet.close();
  await load();
  if (name === one.which) await one.again();
  else page.go({ team: name });
}

filtered(page);
find("#make").addEventListener("click", make);

const refresh = throttled(() => sheet.open || load(), REFRESH_MS);
({ role } = await shell({ again: refresh, requests: refresh }));
turn();
