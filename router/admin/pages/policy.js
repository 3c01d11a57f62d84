// Policy: a draft, what is wrong with it, what it changes, and the versions before.

import { ask } from "{{api.js}}";
import { diffOf } from "{{diff.js}}";
import { badge, el, empty, failed, fill, find } from "{{dom.js}}";
import { editor } from "{{editor.js}}";
import { explained } from "{{explain.js}}";
import { count, moment, percent, plural, sentence } from "{{format.js}}";
import { merging } from "{{merging.js}}";
import { may, rightsOf } from "{{roles.js}}";
import { shell } from "{{shell.js}}";
import { simulation } from "{{simulation.js}}";
import { suggestions } from "{{suggest.js}}";

const SETTLE_MS = 350;
const WINDOWS = { today: "today", trailing_24h: "in the last 24 hours", yesterday: "yesterday" };
const HOW = {
  found: "found at a start",
  edited: "edited on disk",
  applied: "applied here",
  "rolled back": "rolled back to",
  replaced: "stood in the file, was never in force",
};

const draft = editor({ changed: soon });
const merge = merging({ draft, changed: soon });
let disk = null;
let role = "viewer";
let verdict = null;
let checking = new AbortController();
let timer = null;
let liveMix = null;

// --- the file

async function load() {
  try {
    take(await ask("/api/policy"), draft.text !== ""); // what was typed before it came is kept
  } catch (error) {
    fill(find("#sentence"), failed(error, load));
  }
}

function take(policy, keep = false) {
  disk = policy;
  if (!keep) draft.text = policy.text;
  find(".editor").setAttribute("aria-busy", "false");
  find("#sentence").textContent = stateOf(policy);
  find("#path").textContent = policy.path;
  const notes = [
    policy.note,
    !policy.writable && "The gateway may not write this file: edit it on disk.",
    role === "editor" && rightsOf(role),
    !may(role, "editor") && "You are signed in as a viewer: drafts can be tried, not applied.",
  ].filter(Boolean);
  fill(find("#note"), notes.join(" "));
  find("#note").hidden = !notes.length;
  check();
}

function stateOf({ version, file_version: found, reload }) {
  if (found === version) return `Version ${version} is in force, as the file has it.`;
  const fate = reload.adopted ? "is being taken over" : `was not taken over${reload.why ? `: ${reload.why}` : ""}`;
  return `Version ${version} is in force. The file holds another one, ${found}, which ${fate}.`;
}

const changed = () => disk !== null && draft.text !== disk.text.replace(/\r\n?/g, "\n"); // as a text area has it

/** Whether applying would write something: also the text in force, over an edit in the file that is not shown. */
const writes = () => changed() || (disk?.file_version !== disk?.version && disk?.text === disk?.running_text);

// --- checking

function soon() {
  clearTimeout(timer);
  verdict = null;
  merge.follow();
  judge("unknown", "Checking…");
  timer = setTimeout(check, SETTLE_MS);
  allow();
}

async function check() {
  checking.abort();
  checking = new AbortController();
  const text = draft.text;
  try {
    const answer = await ask("/api/policy/check", { body: { text }, signal: checking.signal });
    if (text !== draft.text) return;
    verdict = answer;
    showVerdict(answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    judge("unknown", "Not checked");
    fill(find("#problems"), failed(error, check));
  }
  allow();
}

function judge(kind, text) {
  const sign = find("#verdict");
  sign.className = `badge ${kind}`;
  if (sign.textContent !== text) sign.textContent = text;
}

function showVerdict({ problems, warnings, diff, cases }) {
  const ofCases = cases && !cases.passed ? cases.problems : [];
  const all = problems.length + ofCases.length;
  const good = warnings.length ? `Good; ${plural(warnings.length, "warning")}` : "Good";
  if (all) judge("bad", plural(all, "problem"));
  else judge(warnings.length ? "warn" : "good", cases ? `${good}; ${plural(cases.count, "case")} passed` : good);
  draft.mark(problems);
  fill(
    find("#problems"),
    [
      ...[...problems, ...ofCases].map((problem) => problemOf(problem, ofCases.includes(problem))),
      ...warnings.map((warning) => problemOf(warning, false, "warning")),
    ],
  );
  fill(find("#diff"), diffOf(diff));
}

function problemOf(problem, elsewhere, kind = "problem") {
  const where = elsewhere
    ? `${problem.file}, line ${problem.line}`
    : problem.line
      ? `Line ${problem.line}`
      : "The file";
  const text = [el("strong", {}, where), `: ${problem.field ? `${problem.field}: ` : ""}${problem.message}`];
  if (elsewhere || !problem.line) return el("p", { class: kind }, el("span", {}, text));
  const goTo = () => draft.goTo(problem.line, problem.column);
  return el("button", { type: "button", class: kind, onclick: goTo }, text);
}

// --- applying

function allow() {
  const mayEdit = may(role, "editor") && disk?.writable;
  find("#apply button").disabled = !(mayEdit && writes() && verdict?.problems.length === 0);
  find("#why").disabled = !mayEdit;
  find("#discard").disabled = !changed();
}

find("#apply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const note = find("#why");
  await write("/api/policy/apply", { text: draft.text, note: note.value });
  note.value = "";
});

find("#discard").addEventListener("click", () => {
  merge.close();
  take(disk);
});

async function write(path, body) {
  const outcome = find("#outcome");
  outcome.textContent = "Writing…";
  try {
    const done = await ask(path, { body, headers: { "if-match": `"${disk.text_version}"` } });
    const policy = await ask("/api/policy");
    merge.close();
    take(policy);
    outcome.textContent = `${done.changed ? `Version ${done.version} is written to the file` : "Nothing was changed"}; the workers take it over within a second. ${done.note}`;
    await showHistory();
  } catch (error) {
    fill(
      outcome,
      el(
        "span",
        { class: "problem" },
        sentence(error.message),
        error.code === "changed_meanwhile" && [
          el("button", { type: "button", onclick: () => combine(outcome) }, "Merge with the new version"),
          el("button", { type: "button", class: "quiet", onclick: compare }, "Go on from the new version"),
        ],
      ),
    );
    if (error.problems?.length) draft.mark(error.problems);
  }
  outcome.focus(); // the button that was pressed is disabled or gone
}

/** Somebody else wrote the file: what both changed is put together, and what contradicts is asked. */
async function combine(outcome) {
  try {
    const answer = await ask("/api/policy/merge", { body: { base: disk.text, text: draft.text } });
    const policy = await ask("/api/policy");
    if (policy.text_version !== answer.text_version) throw new Error("It was changed once more: merge again.");
    merge.begin(answer);
    take(policy, true);
    outcome.textContent = "";
  } catch (error) {
    fill(outcome, el("span", { class: "problem" }, sentence(error.message)));
  }
}

/** Somebody else wrote the file: the draft stays, and is measured against what is there now. */
async function compare() {
  take(await ask("/api/policy"), true);
  find("#outcome").textContent = "The draft is kept. Look at what it changes now, then apply it again.";
}

// --- history

async function showHistory() {
  try {
    const { entries } = await ask("/api/policy/history");
    const wereInForce = new Set(entries.filter(({ how }) => how !== "replaced").map(({ version }) => version));
    const list = () => el("ul", { class: "history" }, entries.map((entry) => entryOf(entry, wereInForce)));
    fill(find("#history"), entries.length ? list() : empty("No versions yet"));
  } catch (error) {
    fill(find("#history"), failed(error, showHistory));
  }
}

/** `wereInForce`: versions; any other one is the admins' alone. */
function entryOf(entry, wereInForce) {
  const inForce = entry.version === disk?.version;
  const shown = may(role, "admin") || wereInForce.has(entry.version);
  const place = el("div");
  const look = el(
    "details",
    { ontoggle: ({ target }) => target.open && showVersion(entry.version, place) },
    el("summary", {}, "What is different"),
    place,
  );
  return el(
    "li",
    { "data-version": entry.version },
    el(
      "div",
      { class: "title" },
      el(
        "span",
        {},
        el("code", {}, entry.version),
        ` · ${HOW[entry.how] ?? entry.how} · ${moment(entry.at)} · ${entry.who}`,
      ),
      inForce
        ? badge("good", "in force")
        : shown &&
            el(
            "button",
            {
              type: "button",
              class: "quiet",
              disabled: !may(role, "editor") || !disk?.writable,
              onclick: () => makeSure(entry),
            },
            "Roll back to this",
          ),
    ),
    entry.note && el("p", {}, entry.note),
    !inForce && shown && look,
  );
}

async function showVersion(version, place) {
  try {
    const { diff } = await ask(`/api/policy/history/${encodeURIComponent(version)}`);
    fill(place, el("p", { class: "muted" }, "From this version to the one in force:"), diffOf(diff));
  } catch (error) {
    fill(
      place,
      failed(error, () => showVersion(version, place)),
    );
  }
}

/** What protects now and is missing in a version. Where that cannot be read, writing it says so. */
async function lostBy(version) {
  try {
    return (await ask(`/api/policy/history/${encodeURIComponent(version)}`)).lost;
  } catch {
    return [];
  }
}

async function makeSure(entry) {
  const lost = await lostBy(entry.version);
  const dialog = find("#sure");
  const note = el("input", { id: "rollback-note", maxlength: "500", autocomplete: "off" });
  fill(
    dialog,
    el(
      "form",
      {
        method: "dialog",
        class: "stack",
        onsubmit: () => {
          const losing = lost.map(({ field }) => field);
          write("/api/policy/rollback", { version: entry.version, note: note.value, losing });
        },
      },
      el("h2", { id: "sure-title" }, `Roll back to version ${entry.version}?`),
      el(
        "p",
        {},
        `The policy's file gets the text of ${moment(entry.at)}. What it holds now stays in the history.`,
      ),
      changed() && el("p", { class: "problem" }, "Your draft is lost."),
      lost.map(({ field, message }) => el("p", { class: "problem" }, `${field} ${message}.`)),
      el("label", { for: "rollback-note" }, "Why", note),
      el(
        "div",
        { class: "row" },
        el("button", { class: "danger", id: "rollback" }, "Roll back"),
        el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Leave it"),
      ),
    ),
  );
  dialog.showModal();
}

// --- trying a request

find("#try").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const level = form.level.value.trim();
  const body = {
    text: draft.text,
    prompt: form.prompt.value,
    model: form.model.value.trim() || null,
    key: form.key.value.trim() || null,
    tokens: Number(form.tokens.value) || 0,
    mix: liveMix,
    down: form.down.value ? [form.down.value.trim()] : [],
    headers: level ? { "x-breakeven-sensitivity": level } : {},
  };
  const place = find("#explanation");
  find("#explained").hidden = false;
  try {
    const answer = await ask("/api/policy/explain", { body });
    fill(
      place,
      answer.ok
        ? explained(answer.explanation)
        : el("p", { class: "problem" }, "The draft has problems: nothing can be tried until they are gone."),
    );
  } catch (error) {
    fill(place, el("p", { class: "problem", role: "alert" }, sentence(error.message)));
  }
  find("#explained").scrollIntoView({ block: "nearest" });
});

/** A request is tried as if it came now: with the traffic that the ledger has seen, until another volume is typed. */
async function startFromNow() {
  const now = await ask("/api/breakeven");
  const tokens = find("#try").elements.tokens;
  const { cached, output } = now.mix;
  liveMix = now.mix_is_assumed ? null : { cached, output };
  if (tokens.value === tokens.defaultValue) tokens.value = now.window_tokens;
  const mix = `${percent(now.mix.input, 0)} uncached input, ${percent(cached, 0)} cached, ${percent(output, 0)} output`;
  fill(
    find("#live-volume"),
    `As it is now: ${count(now.window_tokens)} tokens ${WINDOWS[now.window] ?? now.window}; `,
    now.mix_is_assumed ? "too few to tell their mix, so the policy's is taken." : `${mix}.`,
  );
  find("#live-volume").hidden = false;
}

async function offerChoices() {
  const { choices } = await ask("/api/spend", { query: { range: "today" } });
  const offer = (id, names) =>
    fill(
      find(id),
      names.map((name) => el("option", { value: name })),
    );
  offer("#models", choices.models);
  offer("#keys", choices.keys);
  offer("#down", choices.backends);
}

// --- trying the last days

simulation({
  draft,
  problems(found) {
    draft.mark(found);
    return found.map((each) => problemOf(each, false));
  },
});

// --- life

addEventListener("beforeunload", (event) => changed() && event.preventDefault());

/** The file was edited on disk: an untouched draft follows it. */
async function followed({ version, reload }) {
  if (disk === null || (version === disk.version && reload.at === disk.reload.at)) return;
  const policy = await ask("/api/policy");
  if (!changed()) take(policy);
  else if (policy.text_version !== disk.text_version)
    find("#outcome").textContent =
      "The file was changed meanwhile. Your draft is kept; applying it will ask you to look again.";
  await showHistory();
}

offerChoices().catch(() => {});
startFromNow().catch(() => {}); // a ledger that is lost has nothing to start from
suggestions(ask("/api/policy/schema"));
role = (await shell({ policy: (state) => followed(state).catch(() => {}) })).role;
await load();
await showHistory();
