// A decision, step by step, and as `breakeven explain` prints it.

import { badge, el } from "{{dom.js}}";
import { count } from "{{format.js}}";

const VERDICTS = { candidate: "kept", waiting: "would wait", removed: "left out" };
const OUTCOMES = { forward: "It goes on", wait: "It waits", refused: "It is refused" };

export function explained({ text, decision, not_backends_of_the_model: others }) {
  return el(
    "div",
    { class: "stack explained" },
    el(
      "ol",
      { class: "steps" },
      step(
        "1",
        "Who asks, and for what",
        `${decision.request.key} (team ${decision.request.team}) asks for ${modelOf(decision.request)}, ${count(decision.request.input_tokens)} tokens in.`,
      ),
      step("2", "How sensitive it is", sensitivityOf(decision)),
      step(
        "3",
        "Where it may go",
        `${decision.permitted_zones.join(", ") || "nowhere"}${decision.rule ? `, by ${decision.rule}` : ""}.`,
      ),
      step(
        "4",
        "What is left, in order",
        decision.backends.length
          ? el("ol", { class: "steps" }, decision.backends.map(backendOf))
          : "No backend serves this model.",
      ),
      others.length > 0 && step("", "Not asked", `${others.join(", ")}: not among the model's backends.`),
      step("5", OUTCOMES[decision.outcome] ?? decision.outcome, outcomeOf(decision)),
    ),
    el(
      "details",
      { open: true },
      el("summary", {}, "As breakeven explain prints it"),
      el("pre", { class: "terminal", tabindex: "0" }, text),
    ),
  );
}

const step = (mark, title, content) =>
  el(
    "li",
    { class: "step" },
    el("span", { class: "mark", "aria-hidden": "true" }, mark),
    el("strong", {}, title),
    el("div", {}, content),
  );

const modelOf = (request) =>
  request.model === request.resolved_model ? request.model : `${request.resolved_model} (as ${request.model})`;

function sensitivityOf({ level, tags, labels }) {
  const says = (label) =>
    [label.level && `level ${label.level}`, ...label.tags.map((tag) => `tag ${tag}`)].filter(Boolean).join(", ") ||
    "nothing";
  const from = labels.map((label) => `${label.source}: ${says(label)}`).join("; ");
  return `${level ?? "The policy has no levels"}${tags.length ? `, ${tags.join(", ")}` : ""}${from ? ` (from ${from})` : ""}.`;
}

function backendOf(backend) {
  const chosen = backend.position === 1;
  return el(
    "li",
    { class: chosen ? "step chosen" : "step" },
    el("span", { class: "mark", "aria-hidden": "true" }, backend.position ?? "–"),
    el(
      "span",
      { class: "row" },
      el("strong", {}, backend.backend),
      badge(backend.side === "local" ? "local" : "cloud", backend.zone),
      badge("", `${VERDICTS[backend.outcome]} at ${backend.step}`),
    ),
    el("div", {}, backend.explanation),
  );
}

function outcomeOf({ outcome, refusal, backends }) {
  if (refusal) return `${refusal.status} ${refusal.code}: ${refusal.message}`;
  const order = backends
    .filter((backend) => backend.position != null)
    .map((backend) => backend.backend)
    .join(", then ");
  return `${outcome === "wait" ? "for " : "to "}${order} (${backends[0].reason}).`;
}
