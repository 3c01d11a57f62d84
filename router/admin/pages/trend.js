// What a period cost beside the one before it.

import { exactMoney, money, percent } from "{{format.js}}";

const DAY_SECONDS = 86_400;

const paid = (point) => point.cost_micro_usd + (point.rent_micro_usd ?? 0);

/** `[this period, the one before]`: days of a series that ends today. Null where the series does not have them all. */
const PERIODS = {
  today: (days) => split(days, 1),
  "7d": (days) => split(days, 7),
  "30d": (days) => split(days, 30),
  month: (days) => {
    const monthOf = ({ day }) => day.slice(0, 7);
    const now = days.filter((point) => monthOf(point) === monthOf(days.at(-1)));
    const earlier = days.slice(0, -now.length);
    const last = earlier.filter((point) => monthOf(point) === monthOf(earlier.at(-1)));
    return last[0]?.day.endsWith("-01") ? [now, last.slice(0, now.length)] : null;
  },
};

const NAMES = { today: "yesterday", "7d": "the 7 days before", "30d": "the 30 days before", month: "last month" };

const split = (days, count) =>
  days.length >= 2 * count ? [days.slice(-count), days.slice(-2 * count, -count)] : null;

/**
 * In words, and how that was reckoned; null where there is nothing to compare with. Today is not over: of the last day
 * of the period before, the part counts that has passed of today.
 */
export function trendOf(range, days, now = Date.now() / 1000) {
  const periods = PERIODS[range](days);
  if (!periods) return null;
  const [present, past] = periods;
  const passed = Math.min(Math.max((now - present.at(-1).at) / DAY_SECONDS, 0), 1);
  const before = past.reduce((sum, point, at) => {
    const unfinished = at === present.length - 1;
    return sum + paid(point) * (unfinished ? passed : 1);
  }, 0);
  if (before <= 0) return null;
  const change = present.reduce((sum, point) => sum + paid(point), 0) / before - 1;
  const name = NAMES[range];
  const title = `${exactMoney(before)} in ${name}, up to this time of its day`.replace("in yesterday", "yesterday");
  if (Math.abs(change) < 0.005) return { text: `as ${name}`, title };
  if (change > 10) return { text: `${money(before)} ${name}`, title };
  return { text: `${percent(Math.abs(change), 0)} ${change > 0 ? "more" : "less"} than ${name}`, title };
}
