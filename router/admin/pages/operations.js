// Operations: what runs, how it does, and what is not well.

import { ask } from "{{api.js}}";
import { badge, el, empty, failed, fill, find } from "{{dom.js}}";
import { clock, count, exactCount, milliseconds, moment, percent, plural } from "{{format.js}}";
import { shell } from "{{shell.js}}";

const STATES = {
  healthy: "healthy",
  degraded: "some workers see it failing",
  unhealthy: "unhealthy",
  unknown: "not known",
};
const QUANTILES = { p50: "Half are faster", p95: "95 of 100 are faster", p99: "99 of 100 are faster" };
const unfolded = new Set();

async function load() {
  try {
    show(await ask("/api/backends"));
  } catch (error) {
    fill(find("#backends"), failed(error, load));
  }
}

function show(operations) {
  say(find("#sentence"), sentenceOf(operations));
  fill(
    find("#backends"),
    operations.backends.length
      ? operations.backends.map((backend) => cardOf(backend, operations))
      : empty("The policy names no backends"),
  );
  showGateway(operations);
  showLedger(operations);
  showPolicy(operations.policy);
  find("#backends").setAttribute("aria-busy", "false");
}

/** Screen readers hear it only when it is another one. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function sentenceOf({ backends, reporting, ledger, policy }) {
  const wrong = backends
    .filter((backend) => ["unhealthy", "degraded"].includes(backend.state))
    .map((backend) => backend.name);
  const parts = [];
  if (!reporting) parts.push("No worker reports, so the backends' states are not known.");
  else if (wrong.length) parts.push(`Not well: ${wrong.join(", ")}.`);
  else
    parts.push(backends.length === 1 ? "The backend is healthy." : `All ${backends.length} backends are healthy.`);
  if (!ledger.available) parts.push("The ledger cannot be reached.");
  if (!policy.reload.adopted) parts.push("The policy's file was not taken over.");
  return parts.join(" ");
}

const factsOf = (pairs) =>
  el(
    "dl",
    { class: "facts" },
    pairs.flatMap(([name, value, title]) => [el("dt", {}, name), el("dd", { title: title || null }, value)]),
  );

function cardOf(backend, { reporting, ledger }) {
  const id = `backend-${backend.name}`;
  return el(
    "article",
    { class: "card", "aria-label": `Backend ${backend.name}`, "data-state": backend.state },
    el("div", { class: "title" }, el("h3", {}, backend.name), badge(backend.state, STATES[backend.state])),
    el(
      "div",
      { class: "row" },
      badge(backend.local ? "local" : "cloud", `${backend.local ? "own" : "cloud"} · ${backend.zone}`),
      badge("", backend.kind),
      backend.full && badge("warn", "full"),
    ),
    (backend.why || backend.load) && el("p", {}, [backend.why, backend.load].filter(Boolean).join("; ")),
    factsOf([
      ...(backend.local || backend.waiting != null
        ? [
            [
              "Queue",
              backend.waiting == null
                ? "not known"
                : `${count(backend.waiting)} waiting, ${count(backend.running ?? 0)} running`,
            ],
          ]
        : []),
      ...(backend.local || backend.kv_cache != null
        ? [
            [
              "KV cache",
              backend.kv_cache == null
                ? "not known"
                : el(
                    "span",
                    { class: "use" },
                    el("progress", {
                      max: 1,
                      value: backend.kv_cache,
                      "aria-label": "KV cache in use",
                    }),
                    ` ${percent(backend.kv_cache, 0)}`,
                  ),
            ],
          ]
        : []),
      [
        "Today",
        ledger.available
          ? `${plural(backend.requests, "request")}, ${plural(backend.errors, "error")}`
          : "not known",
        exactCount(backend.requests),
      ],
      [
        "Error rate",
        backend.error_rate != null ? percent(backend.error_rate, 2) : ledger.available ? "no traffic" : "not known",
      ],
      ["Retry rate", backend.retry_rate == null ? "not known" : percent(backend.retry_rate, 2)],
    ]),
    latenciesOf([
      ["Whole answer", backend.latency],
      ["First token", backend.first_byte],
    ]),
    (reporting || backend.changes.length > 0) && breakerOf(id, backend.openings, backend.changes),
  );
}

function latenciesOf(rows) {
  if (rows.every(([, latency]) => latency == null))
    return el("p", { class: "muted" }, "No latencies are known yet.");
  const heads = ["", ...Object.keys(QUANTILES)].map((name) =>
    el(name ? "th" : "td", { scope: name ? "col" : null, class: "plain number", title: QUANTILES[name] }, name),
  );
  return el(
    "table",
    { class: "latencies" },
    el("caption", { class: "hidden-label" }, "Latency"),
    el("thead", {}, el("tr", {}, heads)),
    el(
      "tbody",
      {},
      rows.map(([name, latency]) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, name),
          Object.keys(QUANTILES).map((quantile) =>
            el("td", { class: "number" }, milliseconds(latency?.[quantile])),
          ),
        ),
      ),
    ),
  );
}

const TURNED = { open: "opened", half_open: "tried again", closed: "closed" };

function breakerOf(id, openings, changes) {
  if (!openings.length) return el("p", { class: "muted" }, "Its circuit breaker has not opened lately.");
  const list = el(
    "details",
    {
      open: unfolded.has(id),
      ontoggle: ({ target }) => (target.open ? unfolded.add(id) : unfolded.delete(id)),
    },
    el(
      "summary",
      {},
      `Its circuit breaker opened ${openings.length === 1 ? "once" : `${openings.length} times`}, last at ${clock(openings[0])}`,
    ),
    el(
      "ul",
      {},
      changes.map(({ at, state, why }) =>
        el("li", {}, `${moment(at)}: ${TURNED[state] ?? state}${why ? ` (${why})` : ""}`),
      ),
    ),
  );
  return list;
}

function showGateway({ overhead, workers, reporting, policy }) {
  const rows = workers.map((worker) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, worker.id),
      el("td", {}, clock(worker.seen)),
      el(
        "td",
        {},
        el("code", {}, worker.policy.slice(0, 12)),
        " ",
        worker.policy !== policy.version && badge("warn", "another one"),
      ),
      el("td", {}, worker.ledger ? badge("bad", worker.ledger) : badge("good", "reached")),
    ),
  );
  fill(
    find("#gateway"),
    overhead
      ? latenciesOf([["Its own time", overhead]])
      : el("p", { class: "muted" }, "What the gateway itself takes is not measured yet."),
    reporting
      ? el(
          "div",
          { class: "scroll", role: "region", "aria-label": "Workers (table)", tabindex: "0" },
          el(
            "table",
            {},
            el("caption", { class: "hidden-label" }, "Workers"),
            el(
              "thead",
              {},
              el(
                "tr",
                {},
                ["Worker", "Seen", "Policy", "Ledger"].map((name) =>
                  el("th", { scope: "col", class: "plain" }, name),
                ),
              ),
            ),
            el("tbody", {}, rows),
          ),
        )
      : empty("No worker reports", "Is the gateway running, with this ledger?"),
  );
}

function showLedger({ ledger }) {
  fill(
    find("#ledger"),
    badge(ledger.available ? "good" : "bad", ledger.available ? "reachable" : "not reachable"),
    ledger.why ? el("p", {}, ledger.why) : el("p", { class: "muted" }, "Requests are held and settled in it."),
  );
}

function showPolicy({ version, path, reload }) {
  fill(
    find("#policy"),
    badge(reload.adopted ? "good" : "bad", reload.adopted ? "in force" : "the file was not taken over"),
    factsOf([
      ["Version", el("code", {}, version)],
      ["File", el("code", {}, path)],
      ["Last read", moment(reload.at)],
    ]),
    reload.why && el("p", {}, reload.why),
    reload.problems?.length > 0 &&
      el(
        "ul",
        { class: "problems" },
        reload.problems.map((problem) =>
          el("li", {}, `${problem.line ? `Line ${problem.line}: ` : ""}${problem.message}`),
        ),
      ),
    el("p", {}, el("a", { href: "/policy" }, "Open the policy")),
  );
}

load();
await shell({ again: load, backends: show });
