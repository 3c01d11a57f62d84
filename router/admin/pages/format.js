// Numbers and times as people read them. Everything here is value in, text out.

const MILLION = 1e6;
const DASH = "–";

const decimals = (least, most = least) =>
  new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
const CENTS = decimals(2);
const WHOLE = decimals(0);
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });
const TINY = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 2 });

/** Micro-USD with cents; less than a cent with two digits that count. */
export const money = (micro) => (micro == null ? DASH : dollars(micro / MILLION));

export function dollars(usd) {
  if (usd == null) return DASH;
  const size = Math.abs(usd);
  const shown = size === 0 ? "0.00" : size < 0.01 ? TINY.format(size) : CENTS.format(size);
  return `${usd < 0 ? "−" : ""}$${shown}`;
}

/** Dollars per million tokens: prices have more digits than amounts. */
export const rate = (usd) => (usd == null ? DASH : `$${decimals(2, 4).format(usd)}`);

/** All that there is, six decimals at least, for titles. */
export const exactMoney = (micro) =>
  micro == null ? "" : `${(micro / MILLION).toFixed(9).replace(/0{1,3}$/, "")} USD`;

/** 9,999 or 42.1 M. */
export function count(number) {
  if (number == null) return DASH;
  return Math.abs(number) < 10_000 ? WHOLE.format(number) : SHORT.format(number).replace(/(?=[A-Z]$)/, "\u00a0");
}

export const exactCount = (number) => (number == null ? "" : WHOLE.format(number));

export const percent = (share, digits = 1) =>
  share == null ? DASH : `${decimals(0, digits).format(share * 100)}%`;

export function milliseconds(ms) {
  if (ms == null) return DASH;
  if (ms >= 1000) return `${decimals(0, 1).format(ms / 1000)} s`;
  return ms >= 10 ? `${WHOLE.format(ms)} ms` : `${decimals(0, 2).format(ms)} ms`;
}

/** Seconds as milliseconds are shown. */
export const seconds = (value) => milliseconds(value == null ? null : 1000 * value);

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const MOMENT = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "medium",
  hour12: false,
});
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

/** Seconds since the epoch, in the browser's zone. */
export const clock = (at) => CLOCK.format(new Date(at * 1000));
export const moment = (at) => MOMENT.format(new Date(at * 1000));
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** A date of the policy's zone, such as 2026-11-25: a date everywhere. */
export const day = (date) => DAY.format(new Date(`${date}T00:00:00Z`));

/** For charts: local time without a zone, as Plotly reads it. */
export function chartTime(at) {
  const date = new Date(at * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** An error's message as a sentence. */
export const sentence = (text) =>
  text && `${text[0].toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? "" : "."}`;

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
