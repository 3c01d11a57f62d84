// The forms of keys: what one may, a question before it ends, and its secret, which is shown once.

import { Refused } from "{{api.js}}";
import { el, fill, find } from "{{dom.js}}";
import { moment, plural, sentence } from "{{format.js}}";

const SIDES = { "": "everywhere", local: "on own backends", cloud: "in the cloud" };
const HARDEST = "on_budget_exhausted";

/**
 * Asks before `send()` is called; what it refuses is told in the dialog. `fields` are put between the text and the
 * buttons. Where somebody else was quicker, `conflict()` has the next try begin from what they left, and gives what that
 * is; what was typed stays.
 */
export function confirmed(dialog, { title, says = "", fields = [], submit, send, danger = false, conflict }) {
  const trouble = el("div", { class: "problem", role: "alert", hidden: true });
  const button = el("button", { class: danger ? "danger" : "" }, submit);
  const again = fields.length
    ? `What you typed is kept. “${submit}” again puts it in the place of that.`
    : `“${submit}” again does so all the same.`;
  const go = async (on) => {
    fill(trouble, el("p", {}, "It was changed by somebody else meanwhile."));
    try {
      trouble.append(
        el("p", {}, "It is now: ", el("span", { class: "present" }, await on()), "."),
        el("p", {}, again),
      );
    } catch (error) {
      trouble.append(el("p", {}, sentence(error.message)));
    }
  };
  const give = async (event) => {
    event.preventDefault();
    button.disabled = true;
    trouble.hidden = true;
    try {
      await send();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      fill(trouble, el("p", {}, sentence(error.message)));
      trouble.hidden = false;
      if (error.code === "changed" && conflict) await go(conflict);
    } finally {
      button.disabled = false;
    }
  };
  fill(
    dialog,
    el(
      "form",
      { method: "dialog", class: "stack", onsubmit: give },
      el("h2", { id: "sheet-title" }, title),
      says && el("p", {}, says),
      fields,
      trouble,
      el(
        "div",
        { class: "row" },
        button,
        el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Leave it"),
      ),
    ),
  );
  if (!dialog.open) dialog.showModal();
}

/** A form of what a key may; `send(settings)` with what the API takes. `key`: what it may now. */
export function formOf(dialog, { title, choices, key = {}, named = false, submit, send, conflict }) {
  const name = field("Name", { name: "name", required: true, maxlength: 128, autocomplete: "off" });
  const team = field("Team", { name: "team", value: "default", required: true, maxlength: 128, autocomplete: "off" });
  const models = someOf("Models", choices.models, key.models);
  const zones = someOf("Zones", choices.zones, key.zones);
  const tags = choices.tags.length || key.tags?.length ? marked("Tags of all its requests", choices.tags, key.tags) : null;
  const level = choices.levels.length || key.sensitivity ? levelOf(choices.levels, key.sensitivity) : null;
  const expires = field("Last day", { name: "expires", type: "date" }, "It ends with this day; left empty it never ends.");
  const end = key.expires == null ? null : el("p", { class: "muted" }, `Ends now ${moment(key.expires)}. `, keepEnd());
  const budget = budgetForm(choices, key.budget);
  confirmed(dialog, {
    title,
    fields: [
      named && el("div", { class: "pair" }, name.label, team.label),
      models.node,
      zones.node,
      level?.label,
      tags?.node,
      expires.label,
      end,
      budget.node,
    ].filter(Boolean),
    submit,
    conflict,
    send: () =>
      send({
        ...(named && { name: name.input.value.trim(), team: team.input.value.trim() }),
        models: models.value(),
        zones: zones.value(),
        sensitivity: level?.input.value || null,
        tags: tags?.value() ?? [],
        expires: expires.input.value || (end && find("#keep-end")?.checked ? key.expires : null),
        budget: budget.value(),
      }),
  });
}

/** What a key may, in words. */
export function rightsIn(key) {
  const said = [
    key.models && (key.models.join(", ") || "no model"),
    key.zones && `in ${key.zones.join(", ") || "no zone"}`,
    key.sensitivity && `at least ${key.sensitivity}`,
    key.tags.length && `tagged ${key.tags.join(", ")}`,
  ].filter(Boolean);
  return said.join("; ") || "everything";
}

/** A budget in words. */
export function budgetIn(budget) {
  const lines = linesOf(budget).map(({ limit, amount, side, model }) =>
    [`${limit} ${amount}`, side && SIDES[side], model && `for ${model}`].filter(Boolean).join(" "),
  );
  if (budget?.[HARDEST] === "local_only") lines.push("own backends may answer beyond it");
  return lines.join(", ") || "no limit";
}

const keepEnd = () =>
  el("label", { class: "tick" }, el("input", { type: "checkbox", id: "keep-end", checked: true }), " Leave it so");

export function field(label, attributes, hint = "") {
  const input = el("input", attributes);
  return { input, label: el("label", {}, label, " ", input, hint && el("span", { class: "muted" }, hint)) };
}

function levelOf(levels, chosen) {
  const all = chosen && !levels.includes(chosen) ? [...levels, chosen] : levels;
  const options = ["", ...all].map((name) => el("option", { value: name, selected: name === (chosen ?? "") }, name || "as the policy says"));
  const input = el("select", { name: "sensitivity" }, options);
  return { input, label: el("label", {}, "Least sensitivity of its requests ", input) };
}

/** All of some names, or some of them. */
function someOf(title, known, chosen) {
  const every = el("input", { type: "checkbox", checked: chosen == null });
  const inner = boxes(known, chosen ?? []);
  const turn = () => {
    inner.node.hidden = every.checked;
  };
  every.addEventListener("change", turn);
  turn();
  return {
    node: el(
      "fieldset",
      {},
      el("legend", {}, title),
      el("label", { class: "tick" }, every, ` All ${title.toLowerCase()}`),
      inner.node,
    ),
    value: () => (every.checked ? null : inner.value()),
  };
}

function marked(title, known, chosen) {
  const inner = boxes(known, chosen ?? []);
  return { node: el("fieldset", {}, el("legend", {}, title), inner.node), value: inner.value };
}

function boxes(known, chosen) {
  const names = [...new Set([...known, ...chosen])];
  const made = names.map((name) => [name, el("input", { type: "checkbox", checked: chosen.includes(name) })]);
  return {
    node: el(
      "div",
      { class: "boxes" },
      made.map(([name, box]) => el("label", { class: "tick" }, box, " ", el("bdi", {}, name))),
    ),
    value: () => made.filter(([, box]) => box.checked).map(([name]) => name),
  };
}

// --- budgets

/** One line for each limit: which, how much, on which side, of which model. */
export function budgetForm(choices, budget) {
  const lines = el("div", { class: "stack" });
  const add = (line) => lines.append(lineOf(choices, line, () => adder.focus()));
  const adder = el("button", { type: "button", class: "quiet", onclick: () => add({}) }, "Add a limit");
  linesOf(budget).forEach(add);
  const spare = el("input", { type: "checkbox", checked: budget?.[HARDEST] === "local_only" });
  return {
    node: el(
      "fieldset",
      {},
      el("legend", {}, "Budget"),
      lines,
      el("div", {}, adder),
      el("label", { class: "tick" }, spare, " Own backends may still answer when the cloud's limits are used up"),
    ),
    value() {
      const made = budgetOf([...lines.children].map((line) => line.read()));
      if (!Object.keys(made).length) return null;
      if (budget?.soft != null) made.soft = budget.soft;
      return spare.checked ? { ...made, [HARDEST]: "local_only" } : made;
    },
  };
}

function lineOf(choices, { limit = "usd_per_month", amount = "", side = "", model = "" }, gone) {
  const choice = (label, values, chosen, text = (value) => value) => {
    const known = values.includes(chosen) ? values : [...values, chosen];
    const options = known.map((value) => el("option", { value, selected: value === chosen }, text(value)));
    return el("select", { "aria-label": label }, options);
  };
  const which = choice("Limit", choices.limits, limit);
  const much = el("input", { type: "number", "aria-label": "Amount", min: 0, step: "any", value: amount, required: true });
  const where = choice("Where", Object.keys(SIDES), side, (value) => SIDES[value]);
  const of = choice("Model", ["", ...choices.models], model, (value) => value || "all models");
  const remove = () => {
    node.remove();
    gone();
  };
  const node = el(
    "div",
    { class: "limit" },
    which,
    much,
    where,
    of,
    el("button", { type: "button", class: "quiet", "aria-label": "Remove this limit", onclick: remove }, "×"),
  );
  node.read = () => ({ limit: which.value, amount: Number(much.value), side: where.value, model: of.value });
  return node;
}

export function linesOf(budget) {
  const of = (section, model) =>
    Object.entries(section ?? {}).flatMap(([name, value]) => {
      if (name === "local" || name === "cloud") return of(value, model).map((line) => ({ ...line, side: name }));
      return typeof value === "number" && name !== "soft" ? [{ limit: name, amount: value, side: "", model }] : [];
    });
  const models = Object.entries(budget?.models ?? {}).flatMap(([model, section]) => of(section, model));
  return [...of(budget, ""), ...models];
}

function budgetOf(lines) {
  const made = {};
  for (const { limit, amount, side, model } of lines) {
    let section = made;
    if (model) section = (made.models ??= {})[model] ??= {};
    if (side) section = section[side] ??= {};
    section[limit] = amount;
  }
  return made;
}

// --- the secret

/** Shows a key that was made. It is nowhere else, and not on the page once the dialog is closed, however it is closed. */
export function tellSecret(dialog, { secret, key, workers }) {
  const shown = el("input", {
    readonly: true,
    value: secret,
    id: "secret",
    class: "code",
    size: 48,
    autocomplete: "off",
    "aria-label": "The key",
  });
  const told = el("span", { role: "status", class: "muted" });
  const copy = async () => {
    shown.select();
    const done = await (navigator.clipboard?.writeText(secret).then(() => true, () => false) ?? document.execCommand("copy"));
    told.textContent = done ? "Copied." : "Select it and copy it.";
  };
  const forget = () => {
    closing.disconnect();
    removeEventListener("pagehide", forget);
    fill(dialog);
  };
  // The event `close` comes later, and would also empty what is opened in the meantime.
  const closing = new MutationObserver(() => dialog.open || forget());
  const taking = workers
    ? `${plural(workers, "worker takes", "workers take")} it within a second.`
    : "No worker takes keys of the ledger yet.";
  fill(
    dialog,
    el(
      "div",
      { class: "stack" },
      el("h2", { id: "sheet-title" }, "The key of ", el("bdi", {}, key.name)),
      el("p", {}, "Copy it now: it is shown only this once, and kept nowhere."),
      el("div", { class: "row" }, shown, el("button", { type: "button", onclick: copy }, "Copy")),
      told,
      el("p", { class: "muted" }, taking),
      el("div", {}, el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "I have it")),
    ),
  );
  if (!dialog.open) dialog.showModal();
  closing.observe(dialog, { attributeFilter: ["open"] });
  addEventListener("pagehide", forget); // a browser may keep the page that is left
  shown.select();
}
