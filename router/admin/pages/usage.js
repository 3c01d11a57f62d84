// What keys and teams have in common on their pages: names, budgets, what is left.

import { leftOf } from "{{budgets.js}}";
import { el, figure } from "{{dom.js}}";
import { day, exactMoney, money } from "{{format.js}}";

const MONTH = new Intl.DateTimeFormat("en-US", { month: "long", year: "numeric", timeZone: "UTC" });

/** A name from outside, in its own direction, and cut where it is long. */
export function nameOf(name) {
  return el("bdi", { class: "clipped", title: name }, name);
}

/** A day, or of earlier use a month. */
export function lastUse(when) {
  if (!when) return "not lately";
  return when.length > "2026-11".length ? day(when) : `in ${MONTH.format(new Date(`${when}-01T00:00:00Z`))}`;
}

/** A budget's limits as `--budget` takes them. */
export function limitsOf(section, prefix = "") {
  return Object.entries(section ?? {}).flatMap(([name, value]) =>
    value !== null && typeof value === "object"
      ? limitsOf(value, `${prefix}${name}.`)
      : [`${prefix}${name}=${value}`],
  );
}

/** Columns of when something was last used, what it spent, and what is left. */
export function usageColumns() {
  return [
    { key: "used", label: "Last used", value: (row) => row.last_used, show: (row) => lastUse(row.last_used) },
    {
      key: "spent",
      label: "Spent this month",
      number: true,
      value: (row) => row.spent_micro_usd,
      show: (row) => figure(money(row.spent_micro_usd), exactMoney(row.spent_micro_usd)),
    },
    {
      key: "left",
      label: "Left",
      value: (row) => limitsOf(row.budget).join(", "),
      show: (row) => leftOf(row.limits) ?? (row.budget ? "does not count" : "no limit"),
    },
  ];
}
