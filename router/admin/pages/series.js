// What the charts of spend show.

import { figure } from "{{dom.js}}";
import { chartTime, count, exactCount, exactMoney, money } from "{{format.js}}";

const FLATTEST = 5;
const HOUR_MS = 3_600_000;
const DOLLARS = { tickprefix: "$", separatethousands: true, exponentformat: "none", title: { text: "USD, added up" } };

const atOf = (spend) => (point) => (spend.step === "hour" ? chartTime(point.at) : point.day);
const nameOf = (spend) => (point) => atOf(spend)(point).replace("T", " ");
const timeAxis = (spend) => ({
  type: "date",
  tickformat: spend.step === "hour" ? "%H:%M\n%b %-d" : "%b %-d",
  hoverformat: spend.step === "hour" ? "%H:%M, %b %-d" : "%b %-d",
});

/** The lines are for all traffic, so they say nothing about a part of it. */
function linesOf(spend) {
  if (spend.rent_unused_micro_usd == null) return [];
  const per = spend.step === "hour" ? 24 : 1;
  const { threshold_tokens_per_day: threshold, break_even_tokens_per_day: even } = spend.lines;
  const found = [threshold && ["Threshold", threshold], even && ["Break-even", even]].filter(Boolean);
  return found.map(([name, perDay]) => ({ name: `${name}, ${count(perDay)} a day`, at: perDay / per }));
}

const peakOf = (points) => Math.max(...points.map((point) => point.local_tokens + point.cloud_tokens), 0);

/** Lines far above the bars would flatten them: those are named at the top instead. */
function inReach(lines, points) {
  const peak = peakOf(points);
  return lines.filter((line) => peak === 0 || line.at <= peak * FLATTEST);
}

const above = (lines, step, colours) =>
  lines.map((line, at) => ({
    text: `↑ ${line.name}${step === "hour" ? ` (${count(line.at)} an hour)` : ""}`,
    showarrow: false,
    xref: "paper",
    yref: "paper",
    x: 0.01,
    xanchor: "left",
    y: 1 - at * 0.1,
    yanchor: "top",
    font: { color: colours.accent },
    bgcolor: colours.surface,
  }));

/** Tokens from own GPUs and from the cloud, for `chart.show`. */
export function tokensOf(spend) {
  const lines = linesOf(spend);
  const near = inReach(lines, spend.series);
  const far = lines.filter((line) => !near.includes(line));
  const x = spend.series.map(atOf(spend));
  const sum = (name) => spend.series.reduce((total, point) => total + point[name], 0);
  const drawnIn = lines.length
    ? ` ${lines.map((line) => `${line.name}${spend.step === "hour" ? ` (${count(line.at)} an hour)` : ""}`).join("; ")}.`
    : "";
  return {
    words: `${count(sum("local_tokens"))} tokens from own GPUs, ${count(sum("cloud_tokens"))} from the cloud, by ${spend.step}.${drawnIn}`,
    traces: (colours) => [
      bars(
        "Own GPUs",
        x,
        spend.series.map((point) => point.local_tokens),
        { color: colours.local },
        spend.step,
      ),
      bars(
        "Cloud",
        x,
        spend.series.map((point) => point.cloud_tokens),
        {
          color: colours.cloud,
          pattern: {
            shape: "/",
            fillmode: "overlay",
            fgcolor: colours.surface,
            fgopacity: 0.6,
            size: 6,
          },
        },
        spend.step,
      ),
      ...near.map((line, at) => lineAt(line, x, at ? colours.accent : colours.ink, at ? "dot" : "dash", spend.step)),
    ],
    layout: (colours) => ({
      barmode: "stack",
      bargap: 0.15,
      annotations: above(far, spend.step, colours),
      xaxis: timeAxis(spend),
      yaxis: { tickformat: "~s", title: { text: `tokens ${spend.step === "hour" ? "an hour" : "a day"}` }, ...(far.length && { range: [0, peakOf(spend.series) * 1.25] }) },
    }),
    rows: spend.series,
    columns: [
      { key: "at", label: spend.step === "hour" ? "Hour" : "Day", value: nameOf(spend), head: true },
      {
        key: "local",
        label: "Own GPUs",
        value: (point) => point.local_tokens,
        show: (point) => exactCount(point.local_tokens),
        number: true,
      },
      {
        key: "cloud",
        label: "Cloud",
        value: (point) => point.cloud_tokens,
        show: (point) => exactCount(point.cloud_tokens),
        number: true,
      },
      {
        key: "requests",
        label: "Requests",
        value: (point) => point.requests,
        show: (point) => exactCount(point.requests),
        number: true,
      },
    ],
  };
}

/** What belongs to an hour or a day stands in the middle of it, and a bar fills it. */
const periodOf = (step) => ({ xperiod: step === "hour" ? HOUR_MS : 24 * HOUR_MS, xperiodalignment: "middle" });

const bars = (name, x, y, marker, step) => ({
  type: "bar",
  name,
  x,
  y,
  marker,
  ...periodOf(step),
  hovertemplate: "%{y:,.3~s}",
});

function lineAt(line, x, color, dash, step) {
  return {
    type: "scatter",
    mode: "lines",
    name: line.name,
    x,
    y: x.map(() => line.at),
    ...periodOf(step),
    line: { color, dash, width: 2 },
    hovertemplate: "%{y:,.3~s}",
  };
}

/** Cost against the cloud alone, added up, for `chart.show`. */
export function costOf(spend) {
  const x = spend.series.map(atOf(spend));
  const running = (name) => {
    let sum = 0;
    return spend.series.map((point) => (sum += point[name]) / 1e6);
  };
  const { total } = spend;
  return {
    words: `Added up, without rent: ${money(total.cost_micro_usd)} paid, ${
      total.cloud_alone_micro_usd == null
        ? "and no cloud price to compare"
        : `${money(total.cloud_alone_micro_usd)} in the cloud alone`
    }.`,
    traces: (colours) => [
      {
        type: "scatter",
        mode: "lines",
        name: "In the cloud alone",
        x,
        y: running("cloud_alone_micro_usd"),
        line: { color: colours.cloud, dash: "dash", width: 2 },
        hovertemplate: "$%{y:,.4~f}",
      },
      {
        type: "scatter",
        mode: "lines",
        name: "Paid",
        x,
        y: running("cost_micro_usd"),
        line: { color: colours.local, width: 3 },
        hovertemplate: "$%{y:,.4~f}",
      },
    ],
    layout: () => ({ xaxis: timeAxis(spend), yaxis: DOLLARS }),
    rows: spend.series,
    columns: [
      { key: "at", label: spend.step === "hour" ? "Hour" : "Day", value: nameOf(spend), head: true },
      ...[
        ["cost_micro_usd", "Paid"],
        ["cloud_alone_micro_usd", "In the cloud alone"],
        ["counterfactual_micro_usd", "On the other side"],
      ].map(([key, label]) => ({
        key,
        label,
        value: (point) => point[key] / 1e6,
        show: (point) => figure(money(point[key]), exactMoney(point[key])),
        number: true,
      })),
    ],
  };
}
