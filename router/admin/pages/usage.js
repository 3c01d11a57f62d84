// What keys and teams have in common on their pages: names, budgets, what is left, paging.

import { leftOf } from "{{budgets.js}}";
import { el, fill, figure } from "{{dom.js}}";
import { day, exactCount, exactMoney, money, plural } from "{{format.js}}";

export const PAGE = 50;
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

/** Which rows of how many are shown, and buttons to the others; `go(offset)` turns to them. */
export function pages(place, { offset, total, one, go }) {
  const turn = (to, text, enabled) =>
    el("button", { type: "button", class: "quiet", disabled: !enabled, onclick: () => go(String(to)) }, text);
  const [first, last] = [Math.min(offset + 1, total), Math.min(offset + PAGE, total)];
  fill(
    place,
    total > PAGE && turn(Math.max(0, offset - PAGE), "Previous", offset > 0),
    el(
      "span",
      { class: "muted", role: "status" },
      `${total > PAGE ? `${exactCount(first)} to ${exactCount(last)} of ` : ""}${plural(total, one)}`,
    ),
    total > PAGE && turn(offset + PAGE, "Next", offset + PAGE < total),
  );
}
