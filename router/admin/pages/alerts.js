// Alerts: what is wrong now, which budgets are near, how it goes with each target, and what was told.

import { ask, session } from "{{api.js}}";
import { badge, el, empty, failed, figure, fill, find } from "{{dom.js}}";
import { clock, count, moment, money, percent, plural } from "{{format.js}}";
import { may } from "{{roles.js}}";
import { shell } from "{{shell.js}}";
import { table } from "{{table.js}}";

const REFRESH_MS = 10_000;
const NEAR = 0.5;
const PERIODS = ["day", "month"];
const STATES = { firing: ["bad", "wrong"], resolved: ["good", "well again"], report: ["", "report"] };
const ADVICE = "Targets and thresholds stand in the policy, under alerts.";
let mayTest = false;

const history = table(find("#history"), {
  caption: "What was told",
  sort: ["at", "descending"],
  nothing: ["Nothing was told yet", ADVICE],
  csv: "alerts",
  columns: [
    { key: "at", label: "When", value: (each) => each.at, show: (each) => moment(each.at) },
    { key: "state", label: "State", value: (each) => each.state, show: ({ state }) => badge(...(STATES[state] ?? ["", state])) },
    { key: "title", label: "What", value: (each) => each.title, head: true },
    { key: "text", label: "In figures", value: (each) => each.text },
  ],
});

async function load() {
  try {
    const [alerts, budgets] = await Promise.all([ask("/api/alerts"), ask("/api/budgets").catch(() => ({ budgets: [] }))]);
    mayTest = may((await session()).role, "admin");
    show(alerts, budgets.budgets);
  } catch (error) {
    fill(find("#firing"), failed(error, load));
  }
  find("#firing").setAttribute("aria-busy", "false");
}

function show({ on, ledger, firing, history: told, targets }, budgets) {
  say(find("#sentence"), sentenceOf(on, ledger, firing, targets));
  fill(find("#firing"), firing.length ? firing.map(alertOf) : empty("Nothing is wrong", on ? "" : ADVICE));
  showNear(budgets);
  fill(find("#targets"), targets.length ? targets.map(targetOf) : empty("No target is named", ADVICE));
  history.show(told);
}

function sentenceOf(on, ledger, firing, targets) {
  const failing = targets.filter((target) => target.failures).map((target) => target.name);
  const parts = [];
  if (!on) parts.push("The policy names nobody who is told.");
  if (ledger) parts.push("The ledger cannot be reached, so only what concerns this gateway alone is shown.");
  parts.push(firing.length ? `${plural(firing.length, "alert")} now.` : "Nothing is wrong now.");
  if (failing.length) parts.push(`Not delivered to ${failing.join(", ")}.`);
  return parts.join(" ");
}

/** Screen readers hear it only when it is another one. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const alertOf = ({ severity, title, text, since, settling }) =>
  el(
    "article",
    { class: "stack" },
    el(
      "div",
      { class: "row" },
      badge(severity === "critical" ? "bad" : "warn", severity),
      settling && badge("good", "well again since a moment"),
      el("strong", {}, title),
    ),
    el("p", {}, text),
    el("p", { class: "muted" }, `Since ${moment(since)}`),
  );

function showNear(budgets) {
  const near = budgets
    .map((use) => ({ ...use, share: use.amount ? use.used / use.amount : 0 }))
    .filter(({ share, period }) => share >= NEAR && PERIODS.includes(period))
    .sort((one, other) => other.share - one.share);
  fill(
    find("#near"),
    near.length
      ? el(
          "ul",
          {},
          near.map((use) => el("li", {}, `${nameOf(use)}: ${percent(use.share, 0)}, `, amountOf(use, use.used), " of ", amountOf(use, use.amount))),
        )
      : empty("No budget is half used up"),
  );
}

const nameOf = ({ name, scope, measure, period }) => name || `${scope}: ${measure} by the ${period}`;
const amountOf = ({ measure }, amount) => figure(measure === "usd" ? money(amount) : count(amount));

function targetOf({ name, kind, conditions, quiet, delivered, failed: at, failures, why, waiting, dropped, dropped_why: lost }) {
  return el(
    "article",
    { class: "stack", "aria-label": `Target ${name}` },
    el(
      "div",
      { class: "row" },
      el("strong", {}, name),
      badge("", kind),
      failures ? badge("bad", `${plural(failures, "failure")} since the last delivery`) : badge("good", "no failure"),
      waiting > 0 && badge("warn", `${count(waiting)} waiting`),
      mayTest &&
        el("button", { type: "button", class: "quiet", "data-part": `test-${name}`, onclick: () => test(name) }, "Send a test"),
    ),
    el(
      "p",
      { class: "muted" },
      [
        delivered ? `Last delivery ${moment(delivered)}` : "Nothing was delivered yet",
        failures && `last failure ${clock(at)}: ${why}`,
        dropped > 0 && `${count(dropped)} given up${lost && `, the last because: ${lost}`}`,
        quiet && `quiet from ${quiet.replace("-", " to ")}`,
        conditions.length ? `is told of ${conditions.join(", ").replaceAll("_", " ")}` : "is told of no condition",
      ]
        .filter(Boolean)
        .join("; "),
    ),
  );
}

async function test(target) {
  say(find("#tested"), `Sending a test to ${target}…`);
  try {
    const { delivered, why } = await ask("/api/alerts/test", { body: { target } });
    say(find("#tested"), delivered ? `The test arrived at ${target}.` : `The test did not arrive at ${target}: ${why}.`);
  } catch (error) {
    say(find("#tested"), error.message);
  }
}

await load();
await shell({ again: load });
setInterval(() => document.visibilityState === "visible" && load(), REFRESH_MS);
