// Keys: a list to search, one of them with its limits, and what an admin may do with it.

import { ask } from "{{api.js}}";
import { budgetColumns, chargedNotes } from "{{budgets.js}}";
import { badge, el, fill, find, withCode } from "{{dom.js}}";
import { filtered, offer, showFilters } from "{{filters.js}}";
import { count, moment, money, sentence } from "{{format.js}}";
import { budgetIn, confirmed, formOf, rightsIn, tellSecret } from "{{key-forms.js}}";
import { fact, opened } from "{{opened.js}}";
import { paged } from "{{paged.js}}";
import { may } from "{{roles.js}}";
import { shell, throttled } from "{{shell.js}}";
import { table } from "{{table.js}}";
import { lastUse, nameOf, usageColumns } from "{{usage.js}}";
import { view } from "{{view.js}}";

const REFRESH_MS = 3000;
const STATES = { active: "good", ending: "warn", replaced: "unknown", expired: "unknown", revoked: "bad" };
const WORKING = ["active", "ending"];

const page = view({ id: "", search: "", state: "", team: "", source: "", offset: "0" }, turn);
const load = paged({ page, path: "/api/keys", query: () => filtersOf(page.now), one: "key", show });
const one = opened({
  page,
  name: "id",
  path: (id) => `/api/keys/${encodeURIComponent(id)}`,
  title: () => "One key",
  show: showKey,
});
const list = table(find("#list"), listOf());
let choices = null;
let taken = true;
let role = "member";

const filtersOf = ({ id, ...filters }) => filters;

// --- the list

async function turn(values = page.now) {
  offer(find("#filters").elements.team, [values.team]);
  showFilters(values);
  await load();
  await one.open(values.id);
}

function show(answer) {
  ({ choices, taken } = answer);
  find("#rule").textContent = `${answer.rule} Keys of the policy are edited in the policy.`;
  find("#off").hidden = taken;
  fill(
    find("#off"),
    withCode("The policy in force takes no keys of the ledger: set `server: {stored_keys: true}` in it first."),
  );
  find("#make").hidden = !(may(role, "admin") && taken);
  offer(find("#filters").elements.team, answer.teams);
  list.show(answer.keys);
}

function listOf() {
  return {
    caption: "Keys",
    csv: "keys",
    nothing: ["No keys here", "Make one, or clear the filters."],
    columns: [
      {
        key: "name",
        label: "Name",
        head: true,
        value: (key) => key.name,
        show: (key) => one.link(key.id, nameOf(key.name)),
      },
      { key: "team", label: "Team", value: (key) => key.team, show: (key) => nameOf(key.team) },
      { key: "state", label: "State", value: (key) => key.state, show: stateOf },
      { key: "source", label: "Kept in", value: (key) => key.source },
      { key: "may", label: "May use", value: rightsIn, show: (key) => el("span", { class: "clipped" }, rightsIn(key)) },
      {
        key: "expires",
        label: "Ends",
        value: (key) => (key.expires == null ? "" : new Date(key.expires * 1000).toISOString()),
        show: (key) => (key.expires == null ? "never" : moment(key.expires)),
      },
      ...usageColumns(),
      ...["id", "created", "revoked", "tokens"].map((key) => ({ key, label: key, only: "csv", value: (row) => row[key] })),
    ],
  };
}

function stateOf(key) {
  return key.problems.length ? badge("warn", `${key.state}, see why`) : badge(STATES[key.state], key.state);
}

// --- one key

function showKey(key) {
  const limits = el("div");
  fill(
    find("#detail"),
    one.heading(nameOf(key.name)),
    key.problems.map((problem) => el("p", { class: "problem" }, withCode(sentence(problem)))),
    el(
      "dl",
      { class: "facts" },
      fact("State", stateOf({ ...key, problems: [] })),
      fact("Team", el("a", { href: `/teams?team=${encodeURIComponent(key.team)}` }, nameOf(key.team))),
      fact("Kept in", key.source === "policy" ? "the policy, where it is edited" : "the ledger"),
      fact("May use", rightsIn(key)),
      key.created && fact("Made", moment(key.created)),
      fact("Ends", key.expires == null ? "never" : moment(key.expires)),
      key.revoked && fact("Revoked", moment(key.revoked)),
      key.replaced_by &&
        fact("Replaced by", el("a", { href: page.address({ id: key.replaced_by }) }, key.replaced_by)),
      fact("Last used", lastUse(key.last_used)),
      fact("Spent this month", `${money(key.spent_micro_usd)}, ${count(key.tokens)} tokens`),
      fact("Id", el("code", {}, key.id)),
    ),
    limits,
    chargedNotes(key.limits),
    actionsOf(key),
  );
  table(limits, { ...budgetColumns(), caption: "Limits", csv: "", nothing: ["No limits", "It has no budget of its own."] }).show(
    key.limits,
  );
}

function actionsOf(key) {
  const requests = el(
    "a",
    { class: "quiet", href: `/requests?key=${encodeURIComponent(key.name)}` },
    "Its requests",
  );
  const mine = key.source === "ledger" && WORKING.includes(key.state) && may(role, "admin");
  const act = (text, does, kind = "quiet") => el("button", { type: "button", class: kind, onclick: () => does(key) }, text);
  return el(
    "div",
    { class: "row" },
    mine && key.state === "active" && act("Edit", edit),
    mine && key.state === "active" && taken && act("Rotate", rotate),
    mine && act("Revoke", revoke, "quiet danger"),
    may(role, "viewer") && requests,
  );
}

// --- what an admin does

const sheet = find("#sheet");

function make() {
  formOf(sheet, {
    title: "Make a key",
    choices,
    named: true,
    submit: "Make it",
    async send(given) {
      tellSecret(sheet, await ask("/api/keys", { body: given }));
      page.go({ offset: null });
    },
  });
}

function edit(key) {
  let { version } = key;
  formOf(sheet, {
    title: ["What ", nameOf(key.name), " may"],
    choices,
    key,
    submit: "Save",
    async send(given) {
      await ask(`/api/keys/${key.id}`, { method: "PUT", body: given, headers: { "if-match": version } });
      sheet.close();
      await Promise.all([load(), one.again()]);
    },
    async conflict() {
      const now = await ask(`/api/keys/${key.id}`);
      ({ version } = now);
      one.again();
      const ends = now.expires == null ? "never ends" : `ends ${moment(now.expires)}`;
      return `${rightsIn(now)}; budget: ${budgetIn(now.budget)}; it ${ends}`;
    },
  });
}

function rotate(key) {
  const grace = el(
    "select",
    { name: "grace" },
    Object.entries({ "at once": 0, "in an hour": 3600, "in a day": 86_400, "in a week": 604_800 }).map(([text, seconds]) =>
      el("option", { value: seconds, selected: seconds === 86_400 }, text),
    ),
  );
  confirmed(sheet, {
    title: ["Rotate ", nameOf(key.name)],
    says: "A new key takes its place, with the same rights and the same budget. It is shown only once.",
    fields: [el("label", {}, "The old one ends ", grace)],
    submit: "Rotate",
    async send() {
      tellSecret(sheet, await ask(`/api/keys/${key.id}/rotate`, { body: { grace: Number(grace.value) } }));
      await load();
      await one.again();
    },
  });
}

function revoke(key) {
  confirmed(sheet, {
    title: ["Revoke ", nameOf(key.name)],
    says:
      key.state === "ending"
        ? "The old key ends now, before its grace is over. The one in its place works on."
        : "Every worker refuses it within a second, and a key that it replaced, too. It cannot be brought back.",
    submit: "Revoke",
    danger: true,
    async send() {
      await ask(`/api/keys/${key.id}/revoke`, { method: "POST" });
      sheet.close();
      await load();
      await one.again();
    },
  });
}

filtered(page);
find("#make").addEventListener("click", make);

const refresh = throttled(() => sheet.open || load(), REFRESH_MS);
({ role } = await shell({ again: refresh, requests: refresh }));
turn();
