// What the charts of "Worth it?" show.

import { chartTime, clock, count, day, dollars, exactCount, money, moment } from "{{format.js}}";

const MILLION = 1e6;
/** Times that an hour may be above nearly all others before it is cut off: it would flatten them. */
const CUT = 4;
const DOLLARS = { tickprefix: "$", separatethousands: true, exponentformat: "none" };

/** From what the cloud alone would charge, over what was not bought and both parts of the rent, to what is left. */
function steps(month) {
  const rows = [
    ["Cloud alone", 0, month.cloud_alone_micro_usd, "cloud"],
    ["Not bought", 0, month.not_bought_micro_usd, "local"],
  ];
  let left = month.not_bought_micro_usd;
  for (const [name, rent] of [
    ["Rent, busy", month.rent_busy_micro_usd],
    ["Rent, idle", month.rent_idle_micro_usd],
  ]) {
    rows.push([name, left, -rent, "soft"]);
    left -= rent;
  }
  rows.push([left < 0 ? "Net lost" : "Net saved", 0, left, left < 0 ? "bad" : "accent"]);
  return rows.map(([name, base, amount, colour]) => ({ name, base, amount, colour }));
}

/** A waterfall, for `chart.show`. */
export function fallOf(month) {
  const rows = steps(month);
  const usd = (micro) => micro / MILLION;
  return {
    words: `${rows.map(({ name, amount }) => `${name} ${money(Math.abs(amount))}`).join("; ")}. From ${day(month.first)} to ${day(month.last)}.`,
    traces: (colours) => [
      {
        type: "bar",
        x: rows.map(({ name }) => name),
        y: rows.map(({ amount }) => usd(amount)),
        base: rows.map(({ base }) => usd(base)),
        text: rows.map(({ amount }) => money(amount)),
        textposition: "outside",
        cliponaxis: false,
        marker: { color: rows.map(({ colour }) => colours[colour]) },
        hovertemplate: "%{x}: %{text}<extra></extra>",
      },
    ],
    layout: () => ({
      hovermode: "closest",
      margin: { l: 8, r: 8, t: 24, b: 8 },
      xaxis: { type: "category" },
      yaxis: { ...DOLLARS, rangemode: "normal", title: { text: "USD" } },
    }),
    rows,
    columns: [
      { key: "name", label: "Step", value: (row) => row.name, head: true },
      { key: "amount", label: "USD", value: (row) => usd(row.amount), show: (row) => money(row.amount), number: true },
    ],
  };
}

const changeOf = ({ before, after }) => (after ? `${before} → ${after}` : "order");

/** The demand curve with the time that units were on beneath it, and each switch with its reason. */
export function hoursOf({ hours, switches }) {
  const x = hours.map((hour) => chartTime(hour.at));
  const peak = Math.max(...hours.map((hour) => hour.tokens), 1);
  const usual = [...hours.map((hour) => hour.tokens)].sort((a, b) => a - b)[Math.floor(0.98 * (hours.length - 1))];
  const cut = usual > 0 && peak > CUT * usual;
  const top = cut ? 1.5 * usual : 1.1 * peak;
  const on = hours.reduce((sum, hour) => sum + hour.units_on, 0);
  const total = hours.reduce((sum, hour) => sum + hour.tokens, 0);
  const most = Math.max(...hours.map((hour) => hour.units_on), 1);
  const text = (each) => `${each.backend}: ${changeOf(each)}. ${each.explanation || each.reason}`;
  return {
    words: `${count(total)} tokens in seven days that either side could serve; units were on for ${count(Math.round(on))} hours of ${hours.length}${most > 1 ? ", added up" : ""}.${cut ? ` The busiest hour, with ${count(peak)}, is cut off.` : ""}`,
    traces: (colours) =>
      [
        {
          type: "bar",
          name: "Units on",
          x,
          y: hours.map((hour) => (hour.units_on / most) * top),
          customdata: hours.map((hour) => hour.units_on),
          width: 3_600_000,
          offset: 0,
          marker: { color: colours.local, opacity: 0.22 },
          hovertemplate: "%{customdata:.2~f} on",
        },
        {
          type: "scatter",
          mode: "lines",
          name: "Demand",
          x,
          y: hours.map((hour) => hour.tokens),
          line: { color: colours.ink, width: 2, shape: "hv" },
          hovertemplate: "%{y:.3s} tokens",
        },
        {
          type: "scatter",
          mode: "lines",
          name: "Served by own GPUs",
          x,
          y: hours.map((hour) => hour.local_tokens),
          line: { color: colours.local, width: 2, shape: "hv" },
          hovertemplate: "%{y:.3s} tokens",
        },
        switches.length && {
          type: "scatter",
          mode: "markers",
          name: "Switch",
          x: switches.map((each) => chartTime(each.at)),
          y: switches.map(() => 0),
          text: switches.map(text),
          marker: { color: colours.accent, size: 9, symbol: "diamond" },
          hovertemplate: "%{text}<extra></extra>",
        },
      ].filter(Boolean),
    layout: () => ({
      barmode: "overlay",
      hovermode: "closest",
      xaxis: { type: "date", tickformat: "%H:%M\n%b %-d" },
      yaxis: { tickformat: "~s", range: [0, top], title: { text: "tokens an hour" } },
    }),
    rows: hours,
    columns: [
      { key: "at", label: "Hour", value: (row) => row.at, show: (row) => moment(row.at), head: true },
      {
        key: "tokens",
        label: "Tokens",
        value: (row) => row.tokens,
        show: (row) => exactCount(row.tokens),
        number: true,
      },
      {
        key: "local",
        label: "Served by own GPUs",
        value: (row) => row.local_tokens,
        show: (row) => exactCount(row.local_tokens),
        number: true,
      },
      {
        key: "cloud",
        label: "Cloud price",
        value: (row) => row.cloud_usd,
        show: (row) => dollars(row.cloud_usd),
        number: true,
      },
      {
        key: "units",
        label: "Units on",
        value: (row) => row.units_on,
        show: (row) => row.units_on.toFixed(2),
        number: true,
      },
    ],
  };
}

export const SWITCHES = {
  caption: "Switches",
  columns: [
    {
      key: "at",
      label: "When",
      value: (row) => row.at,
      show: (row) => `${new Date(row.at * 1000).toLocaleDateString()} ${clock(row.at)}`,
      head: true,
    },
    { key: "backend", label: "Backend", value: (row) => row.backend },
    { key: "change", label: "Change", value: changeOf },
    { key: "units", label: "Units", value: (row) => row.units, number: true },
    { key: "reason", label: "Why", value: (row) => row.explanation || row.reason },
    { key: "who", label: "By", value: (row) => row.who },
  ],
  nothing: [
    "No switch in seven days",
    "Units that nobody switches are on all the time. Where the policy gives a backend `power`, each change is here with its reason.",
  ],
  csv: "switches",
};
