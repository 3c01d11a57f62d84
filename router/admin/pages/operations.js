// Operations: what runs, how it does, and what is not well.

import { Refused, ask, session } from "{{api.js}}";
import { badge, el, empty, failed, fill, find } from "{{dom.js}}";
import { clock, count, exactCount, milliseconds, moment, percent, plural } from "{{format.js}}";
import { may } from "{{roles.js}}";
import { shell } from "{{shell.js}}";

const STATES = {
  healthy: "healthy",
  degraded: "some workers see it failing",
  unhealthy: "unhealthy",
  off: "off",
  unknown: "not known",
};
const QUANTILES = { p50: "Half are faster", p95: "95 of 100 are faster", p99: "99 of 100 are faster" };
const PHASES = {
  off: "off",
  starting: "being switched on",
  on: "on",
  draining: "finishing what runs",
  stopping: "being switched off",
  failed: "failed to start",
  unknown: "nobody can tell",
};
const ORDERS = {
  on: {
    name: "Keep on",
    asks: (name) => `Keep ${name} on?`,
    says: "A unit is started if none is on, and its rent runs until somebody orders otherwise.",
  },
  off: {
    name: "Keep off",
    asks: (name) => `Keep ${name} off?`,
    says: "Running answers are finished, then it is stopped. Requests that may go nowhere else are refused until somebody orders otherwise.",
  },
  auto: {
    name: "As the policy says",
    asks: (name) => `Leave ${name} to the policy?`,
    says: "It is switched by what it saves, by the schedule, and by requests that may go nowhere else.",
  },
};
const unfolded = new Set();
let mayOrder = false;

async function load() {
  try {
    mayOrder = may((await session()).role, "admin");
    show(await ask("/api/backends"));
    showAlerts(await ask("/api/alerts"));
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
    backend.power && powerOf(id, backend),
    (backend.why || backend.load) && el("p", {}, [backend.why, backend.load].filter(Boolean).join("; ")),
    backend.unlisted.length > 0 &&
      el("p", { class: "warn" }, `It does not list what the policy has it serve: ${backend.unlisted.join(", ")}.`),
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

function powerOf(id, { name, power }) {
  const key = `${id}-power`;
  return el(
    "div",
    { class: "stack" },
    el(
      "div",
      { class: "row" },
      badge(power.failing ? "bad" : power.ready ? "good" : "", PHASES[power.phase] ?? power.phase),
      power.order !== "auto" && badge("warn", `ordered ${power.order} by ${power.ordered_by}`),
      !power.controlled && badge("bad", "no gateway controls it"),
    ),
    el("p", {}, power.explanation),
    el("p", { class: "muted" }, power.next),
    power.failing && el("p", { class: "problem" }, `Its last start failed: ${power.failing}`),
    mayOrder &&
      el(
        "div",
        { class: "row" },
        Object.entries(ORDERS)
          .filter(([order]) => order !== power.order)
          .map(([order, { name: label }]) =>
            el(
              "button",
              { type: "button", class: "quiet", "data-part": `${name}-${order}`, onclick: () => makeSure(name, order) },
              label,
            ),
          ),
      ),
    power.changes.length > 0 &&
      el(
        "details",
        {
          open: unfolded.has(key),
          ontoggle: ({ target }) => (target.open ? unfolded.add(key) : unfolded.delete(key)),
        },
        el("summary", {}, `Switched last at ${clock(power.changes[0].at)}`),
        el(
          "ul",
          {},
          power.changes.map(({ at, after, reason, explanation, who }) =>
            el("li", {}, `${moment(at)}: ${PHASES[after] ?? (after || "order")} (${reason}, ${who}). ${explanation}`),
          ),
        ),
      ),
  );
}

function makeSure(name, order) {
  const dialog = find("#sure");
  const trouble = el("p", { class: "problem", role: "alert", hidden: true });
  const give = async (event) => {
    event.preventDefault();
    try {
      await ask("/api/power", { body: { backend: name, order } });
      dialog.close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      trouble.textContent = error.message;
      trouble.hidden = false;
    }
  };
  fill(
    dialog,
    el(
      "form",
      { method: "dialog", class: "stack", onsubmit: give },
      el("h2", { id: "sure-title" }, ORDERS[order].asks(name)),
      el("p", {}, ORDERS[order].says),
      trouble,
      el(
        "div",
        { class: "row" },
        el("button", { class: order === "auto" ? "" : "danger", id: "give-order" }, ORDERS[order].name),
        el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Leave it"),
      ),
    ),
  );
  dialog.showModal();
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

function showAlerts({ on, firing, targets }) {
  const failing = targets.filter(({ failures }) => failures);
  const last = Math.max(0, ...targets.map(({ delivered }) => delivered ?? 0));
  fill(
    find("#alerts"),
    el(
      "div",
      { class: "row" },
      firing.length
        ? badge("bad", plural(firing.length, "alert") + " now")
        : badge("good", "nothing is wrong"),
      failing.map(({ name, failures, why }) =>
        badge("warn", `${name}: ${plural(failures, "failure")}, ${why}`),
      ),
    ),
    el(
      "p",
      { class: "muted" },
      on
        ? last
          ? `Something was last delivered at ${moment(last)}.`
          : "Nothing was delivered yet."
        : "The policy names nobody who is told.",
    ),
    el("p", {}, el("a", { href: "/alerts" }, "Open the alerts")),
  );
}

load();
await shell({ again: load, backends: show });
