// The draft on the traffic of the last days: how far it is, and the draft beside the policy in force.

import { lines } from "{{api.js}}";
import { badge, download, el, empty, fill, find } from "{{dom.js}}";
import { count, dollars, exactCount, moment, percent, plural, seconds, sentence } from "{{format.js}}";

const MOST_MOVES = 20;
const SHARES = [50, 95, 99];

const amount = (name) => (figures) => ({ text: dollars(figures[name]), value: figures[name] });
const number = (name) => (figures) => ({ text: count(figures[name]), value: figures[name], exact: true });
const hours = (name) => (figures) => ({ text: `${count(Math.round(figures[name] * 10) / 10)} h`, value: figures[name] });
const spread = (name) => (figures) => {
  const within = SHARES.map((share) => figures[`${name}_p${share}`]);
  // Parts hold together; between them a narrow screen may break the line.
  const shown = within.map((each) => seconds(each).replaceAll(" ", "\u00a0"));
  return { text: within.some((each) => each != null) ? shown.join(" / ") : "–", wraps: true };
};

/** By group: a label, what of the figures, how a difference is written, and a class. */
const GROUPS = [
  [
    "What it costs",
    ["Bought from the cloud", amount("usd_cloud"), dollars],
    ["Own GPUs, by the token", amount("usd_own_tokens"), dollars],
    ["Rent of own GPUs", amount("usd_rent"), dollars],
    ["Net cost", amount("usd"), dollars, "sum"],
    ["In the cloud alone", amount("usd_cloud_alone"), dollars],
    ["Net: saved against the cloud alone", amount("usd_saved"), dollars],
    ["In hindsight, at least", amount("usd_hindsight"), dollars],
  ],
  [
    "Where requests go",
    ["Answered by own GPUs", number("own_requests"), count],
    ["Answered by the cloud", number("cloud_requests"), count],
    ["Tokens of own GPUs", number("own_tokens"), count],
    ["Tokens of the cloud", number("cloud_tokens"), count],
    ["Units were on", hours("hours_on"), (value) => `${count(Math.round(value * 10) / 10)} h`],
    ["Starts of units", number("starts"), count],
  ],
  [
    "How requests fare",
    ["Refused", number("refused"), count],
    ["Spilled to the other side", number("spilled"), count],
    ["Waited, and were answered", number("waited"), count],
    ["Refused or kept at home by a limit", number("over_budget"), count],
    ["May not leave", number("restricted"), count],
    ["Length is guessed: nothing was sent of them", number("guessed"), count],
    ["Bought at an assumed price", number("assumed_price"), count],
  ],
  [
    "Seconds: half within / 95% / 99%",
    ["Waiting, of those that waited", spread("wait")],
    ["Answers began", spread("first_byte")],
    ["Answers ended", spread("latency")],
    ["Answers of own GPUs ended", spread("own_latency")],
    ["Answers of the cloud ended", spread("cloud_latency")],
  ],
];

/** `draft` is the editor; `problems(list)` gives what is wrong with a draft as nodes, and marks it. */
export function simulation({ draft, problems }) {
  const start = find("#simulate");
  const cancel = find("#cancel");
  const place = find("#simulated");
  const bar = find("#simulating progress");
  const said = find("#simulating output");
  let running = null;

  function busy(now) {
    find("#simulating").hidden = !now;
    cancel.hidden = !now;
    start.disabled = now;
    place.setAttribute("aria-busy", now);
  }

  function heard({ progress }) {
    if (!progress) return;
    bar.value = progress.share;
    said.textContent = `${percent(progress.share, 0)} · ${exactCount(progress.requests)} of ${exactCount(progress.read)} requests read so far`;
  }

  async function run() {
    const text = draft.text;
    running = new AbortController();
    fill(place);
    bar.value = 0;
    said.textContent = "Starting…";
    busy(true);
    let shown;
    try {
      const { result, error } = await lines("/api/policy/simulate", { body: { text }, signal: running.signal }, heard);
      shown = result ? resultOf(result, text) : troubleOf(error);
    } catch (error) {
      if (error.name === "AbortError") shown = el("p", { class: "muted" }, "Cancelled: nothing was kept of it.");
      else if (error.problems?.length) shown = [problem(error.message), el("div", { class: "problems" }, problems(error.problems))];
      else shown = troubleOf(error);
    }
    busy(false);
    fill(place, shown);
  }

  start.addEventListener("click", run);
  cancel.addEventListener("click", () => {
    running?.abort();
    start.disabled = false;
    start.focus();
  });
}

const problem = (text) => el("p", { class: "problem", role: "alert" }, sentence(text));

const troubleOf = ({ code, message }) =>
  code === "nothing_recorded"
    ? empty("There is nothing to try it on", sentence(message))
    : problem(message ?? "It ended without a word.");

// --- what came of it

function resultOf({ draft, present, moved, same, traffic }, text) {
  return [
    leavingOf(draft),
    el("p", { class: "lead", role: "status" }, verdictOf(draft, present)),
    el(
      "p",
      { class: "muted" },
      `Simulated: nothing here was measured or paid. ${plural(draft.figures.requests, "request")} of ${moment(draft.begin)} to ${moment(draft.end)}; the draft is version ${draft.version}, ${present.version} is in force.`,
    ),
    ...traffic.notes.map((note) => el("p", { class: "note" }, note)),
    beside(draft, present),
    leftOf(draft, present),
    listsOf(draft, present),
    movesOf(moved, same),
    shellOf(traffic, text),
  ];
}

function leavingOf({ figures: { restricted_left: left } }) {
  return left > 0 && problem(`${plural(left, "request")} that may not leave today would leave`);
}

function verdictOf({ figures }, { figures: now }) {
  const less = now.usd - figures.usd;
  const than = Math.abs(less) < 0.005 ? "as much as" : `${dollars(Math.abs(less))} ${less > 0 ? "less" : "more"} than`;
  return `The draft would have cost ${dollars(figures.usd)}, ${than} the policy in force.`;
}

const head = (...names) =>
  el(
    "thead",
    {},
    el(
      "tr",
      {},
      names.map((name, at) =>
        el(
          "th",
          { scope: "col", class: at ? "plain number" : "plain" },
          name || el("span", { class: "hidden-label" }, "Figure"),
        ),
      ),
    ),
  );

const scrolled = (caption, ...parts) =>
  el(
    "div",
    { class: "scroll", role: "region", "aria-label": `${caption} (table)`, tabindex: "0" },
    el("table", { class: "account" }, el("caption", { class: "hidden-label" }, caption), ...parts),
  );

const signed = (change, shown) => `${change > 0 ? "+" : "−"}${shown(Math.abs(change))}`;

function beside({ figures }, { figures: now }) {
  const row = ([label, of, shown, kind]) => {
    const [before, after] = [of(now), of(figures)];
    const known = before.value != null && after.value != null;
    const change = known ? after.value - before.value : null;
    const cell = ({ text, value, exact, wraps }) =>
      el("td", { class: wraps ? "number wraps" : "number", title: exact ? exactCount(value) : null }, text);
    return el(
      "tr",
      { class: kind },
      el("th", { scope: "row" }, label),
      cell(before),
      cell(after),
      el("td", { class: "number" }, shown && change ? signed(change, shown) : ""),
    );
  };
  const group = ([title, ...rows]) =>
    el(
      "tbody",
      {},
      el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: "4" }, title)),
      rows.map(row),
    );
  return scrolled("The draft beside the policy in force", head("", "In force", "Draft", "Difference"), GROUPS.map(group));
}

/** Nothing may have left: it is looked at apart from what decides. */
function leftOf(draft, present) {
  const left = [draft, present].map(({ figures }) => figures.restricted_left);
  const sign = (share) => badge(share ? "bad" : "good", String(share));
  return el(
    "p",
    { id: "left" },
    "Restricted requests that left, which must be 0: ",
    sign(left[0]),
    " by the draft, ",
    sign(left[1]),
    " by the policy in force.",
  );
}

function listsOf(draft, present) {
  const both = [
    ["the draft", draft],
    ["the policy in force", present],
  ];
  const listed = (names) =>
    Object.entries(names)
      .map(([name, times]) => `${name} ${count(times)}`)
      .join(", ");
  const said = both.flatMap(([whose, { refusals, exhausted, unknown }]) => [
    Object.keys(refusals).length > 0 && [`Refused by ${whose}`, listed(refusals)],
    ...exhausted.map(({ name, first, requests, refused }) => [
      `Ran out under ${whose}`,
      `${name}: first on ${moment(first)}; ${plural(requests, "request")}, ${count(refused)} of them refused`,
    ]),
    ...Object.entries(unknown).map(([what, names]) => [`Not in ${whose}: ${what}`, listed(names)]),
  ]);
  const known = said.filter(Boolean);
  return (
    known.length > 0 &&
    el(
      "dl",
      { class: "facts" },
      known.map(([term, told]) => [el("dt", {}, term), el("dd", {}, told)]).flat(),
    )
  );
}

// --- requests that moved

const placed = (backend, reason) => `${backend || "refused"} (${reason})`;

function movesOf(moved, same) {
  const all = moved.reduce((sum, { requests }) => sum + requests, 0);
  const row = (move) =>
    el(
      "tr",
      {},
      el("td", { class: "number" }, count(move.requests)),
      el("td", {}, placed(move.against_backend, move.against_reason)),
      el("td", {}, placed(move.backend, move.reason)),
      el("td", { class: "number" }, dollars(move.against_usd)),
      el("td", { class: "number" }, dollars(move.usd)),
      el("td", {}, move.examples.flatMap((id, at) => [at > 0 && ", ", linkOf(id)])),
    );
  const heads = [
    ["Requests", true],
    ["In force"],
    ["By the draft"],
    ["Cost, in force", true],
    ["Cost, draft", true],
    ["Such as"],
  ];
  return el(
    "div",
    { class: "stack" },
    el("h3", {}, "Requests that move, and why"),
    el("p", {}, `${plural(all, "request")} would go elsewhere, ${count(same)} where they go now.`),
    moved.length > 0 &&
      scrolled(
        "Requests that move",
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            heads.map(([name, right]) => el("th", { scope: "col", class: right ? "plain number" : "plain" }, name)),
          ),
        ),
        el("tbody", {}, moved.slice(0, MOST_MOVES).map(row)),
      ),
    moved.length > MOST_MOVES &&
      el("p", { class: "muted" }, `And ${plural(moved.length - MOST_MOVES, "kind")} of moves with fewer requests.`),
  );
}

const linkOf = (id) => el("a", { href: `/requests?id=${encodeURIComponent(id)}` }, id);

function shellOf({ commands }, text) {
  return el(
    "details",
    {},
    el("summary", {}, "The same in a shell"),
    el(
      "div",
      { class: "stack" },
      el(
        "p",
        {},
        "With the draft as draft.yaml, on the gateway's machine; a gateway with --data-dir or --redis needs it for the export, too.",
      ),
      el("pre", { class: "terminal", tabindex: "0" }, commands.join("\n")),
      el(
        "div",
        {},
        el(
          "button",
          {
            type: "button",
            class: "quiet",
            onclick: () => download("draft.yaml", "application/yaml", text),
          },
          "Save the draft",
        ),
      ),
    ),
  );
}
