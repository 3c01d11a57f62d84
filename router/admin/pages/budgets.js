// Budgets: used, held, left.

import { el } from "{{dom.js}}";
import { count, money, percent } from "{{format.js}}";

const PERIODS = { minute: "a minute", day: "a day", month: "a month", "": "at once" };

/** The table of budgets, for `table`. */
export function budgetColumns() {
  const amount = (key, label) => ({
    key,
    label,
    value: (use) => use[key],
    show: (use) => (use.measure === "usd" ? money : count)(use[key]),
    number: true,
  });
  const used = (use) => (use.amount ? (use.used + use.held) / use.amount : 1);
  return {
    caption: "Budgets",
    csv: "budgets",
    sort: ["share", "descending"],
    nothing: ["No budgets", "The policy sets no limits, or none for this choice."],
    columns: [
      { key: "scope", label: "Who", value: (use) => use.scope, show: (use) => whose(use), head: true },
      {
        key: "what",
        label: "What",
        value: (use) => `${use.measure === "usd" ? "money" : use.measure} ${PERIODS[use.period]}`,
      },
      amount("amount", "Limit"),
      amount("used", "Used"),
      amount("held", "Held"),
      amount("left", "Left"),
      {
        key: "share",
        label: "Share",
        value: used,
        number: true,
        show: (use) => meterOf(use, used(use)),
      },
    ],
  };
}

/** Why more is used of some of these limits than requests come to. */
export const chargedNotes = (limits) =>
  limits.filter((use) => use.note).map((use) => el("p", { class: "muted" }, `${use.name}: ${use.note}`));

/** The limit that is nearest to its end, and how many others there are; null without any. */
export function leftOf(limits) {
  if (!limits.length) return null;
  const share = (use) => (use.amount ? (use.used + use.held) / use.amount : 1);
  const [first] = [...limits].sort((a, b) => share(b) - share(a));
  const shown = first.measure === "usd" ? money : count;
  const what = first.measure === "usd" ? "" : ` ${first.measure}`;
  const others = limits.length > 1 ? `, and ${count(limits.length - 1)} more` : "";
  const narrow = [first.model, first.side !== "all" && first.side].filter(Boolean).join(", ");
  return el(
    "span",
    {
      class: `use ${stateOf(first, share(first)) && "high"}`,
      title: limits.map((use) => [use.name, use.note].filter(Boolean).join(": ")).join("\n"),
    },
    `${shown(first.left)} of ${shown(first.amount)}${what} ${PERIODS[first.period]}${narrow ? ` (${narrow})` : ""}${others}`,
  );
}

function whose(use) {
  const [kind, ...name] = use.scope.split(":");
  const narrow = [use.model, use.side !== "all" && use.side].filter(Boolean).join(", ");
  return `${kind === "global" ? "Everybody" : `${kind} ${name.join(":")}`}${narrow ? ` (${narrow})` : ""}`;
}

function stateOf(use, share) {
  if (share >= 1) return "spent";
  return use.soft != null && share >= use.soft ? "nearly spent" : "";
}

function meterOf(use, share) {
  const state = stateOf(use, share);
  return el(
    "span",
    { class: `use ${state && "high"}` },
    el("progress", { max: 1, value: Math.min(1, share), "aria-label": "Used and held" }),
    ` ${percent(share, 0)}${state ? ` ${state}` : ""}`,
  );
}
