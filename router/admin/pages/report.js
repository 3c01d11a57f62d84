// Report: the week that ended yesterday, as it is sent by mail.

import { ask } from "{{api.js}}";
import { el, empty, failed, fill, find, withCode } from "{{dom.js}}";
import { count, day, dollars, exactCount } from "{{format.js}}";
import { shell } from "{{shell.js}}";
import { table } from "{{table.js}}";

const DAYS = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
};
const usd = (key, label) => ({
  key,
  label,
  value: (row) => row[key],
  show: (row) => dollars(row[key]),
  number: true,
});

const teams = table(find("#teams"), {
  caption: "By team",
  sort: ["bought_usd", "descending"],
  nothing: ["No team has asked for anything", ""],
  csv: "week-by-team",
  columns: [
    { key: "team", label: "Team", value: (row) => row.team, head: true },
    {
      key: "requests",
      label: "Requests",
      value: (row) => row.requests,
      show: (row) => el("span", { title: exactCount(row.requests) }, count(row.requests)),
      number: true,
    },
    usd("bought_usd", "Bought"),
    usd("rent_usd", "Share of the rent"),
    usd("bought_before_usd", "Bought the week before"),
  ],
});

async function load() {
  try {
    show(await ask("/api/report"));
  } catch (error) {
    fill(find("#decide"), failed(error, load));
  }
  find("#decide").setAttribute("aria-busy", "false");
}

function show(week) {
  find("#sentence").textContent = [week.sentence, week.compared].filter(Boolean).join(" ");
  const sent = week.sent ? `It is sent every ${DAYS[week.sent]}.` : "It is sent to nobody: alerts.report in the policy says to whom.";
  find("#range").textContent = `${day(week.first)} to ${day(week.last)}. ${sent}`;
  fill(
    find("#decide"),
    week.decide.length
      ? el(
          "ul",
          { class: "points" },
          week.decide.map((each) => el("li", {}, withCode(each))),
        )
      : empty("Nothing"),
  );
  fill(
    find("#net"),
    el(
      "dl",
      { class: "facts" },
      [
        ["The cloud alone would have cost", week.cloud_alone_usd],
        ["Bought", week.bought_usd],
        ["Rent", week.rent_usd],
        [week.net_usd < 0 ? "Lost" : "Saved", week.net_usd == null ? null : Math.abs(week.net_usd)],
      ].flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value == null ? "not known" : dollars(value))]),
    ),
  );
  teams.show(week.teams);
  fill(
    find("#hours"),
    week.hours_on.length
      ? el(
          "dl",
          { class: "facts" },
          week.hours_on.flatMap(({ backend, hours }) => [el("dt", {}, backend), el("dd", {}, `${hours.toFixed(1)} h`)]),
        )
      : empty("No own backend costs rent"),
  );
}

await load();
await shell({ again: load });
