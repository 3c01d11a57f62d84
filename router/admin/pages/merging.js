// A draft that was put together with what somebody else wrote meanwhile: what contradicts is chosen here, one by one.

import { diffOf } from "{{diff.js}}";
import { el, fill, find } from "{{dom.js}}";
import { plural } from "{{format.js}}";

const CONFLICT = /^<<<<<<< your draft\n([^]*?)^=======\n([^]*?)^>>>>>>> in the file now\n?/gm;

/** The contradictions that a text still has: `{at, length, line, mine, theirs}`. */
export const conflictsIn = (text) =>
  [...text.matchAll(CONFLICT)].map((match) => ({
    at: match.index,
    length: match[0].length,
    line: text.slice(0, match.index).split("\n").length,
    mine: match[1],
    theirs: match[2],
  }));

/** Shows how `draft` came about, and what is left to choose; `changed()` is called when something was chosen. */
export function merging({ draft, changed }) {
  const card = find("#merging");
  const list = el("div", { class: "stack" });
  let merged = null;
  let before = "";

  function show() {
    const left = conflictsIn(draft.text);
    fill(
      list,
      el("p", { class: left.length ? "problem" : "muted" }, sentenceOf(left.length, merged.conflicts)),
      left.length > 0 && el("ol", { class: "stack conflicts" }, left.map(conflictOf)),
    );
  }

  function conflictOf(conflict) {
    const choose = (lines, what) =>
      el("button", { type: "button", class: "quiet", onclick: () => settle(conflict, lines) }, what);
    return el(
      "li",
      { class: "stack" },
      el("strong", {}, `From line ${conflict.line}`),
      el(
        "div",
        { class: "sides" },
        el("figure", {}, el("figcaption", {}, "Yours"), el("pre", { tabindex: "0" }, conflict.mine || "(deleted)")),
        el("figure", {}, el("figcaption", {}, "In the file"), el("pre", { tabindex: "0" }, conflict.theirs || "(deleted)")),
      ),
      el(
        "div",
        { class: "row" },
        choose(conflict.mine, "Keep mine"),
        choose(conflict.theirs, "Take the file's"),
        choose(conflict.mine + conflict.theirs, "Keep both"),
        el("button", { type: "button", class: "quiet", onclick: () => draft.goTo(conflict.line) }, "Go there"),
      ),
    );
  }

  function settle({ at, length }, lines) {
    draft.text = draft.text.slice(0, at) + lines + draft.text.slice(at + length);
    changed();
    card.focus();
  }

  function back() {
    draft.text = before;
    close();
    changed();
  }

  function close() {
    merged = null;
    card.hidden = true;
  }

  return {
    /** `answer` is what the gateway made of the draft, which stands in its place now. */
    begin(answer) {
      before = draft.text;
      merged = answer;
      draft.text = answer.text;
      fill(
        find("#merged"),
        list,
        el("details", {}, el("summary", {}, "What was changed in the file meanwhile"), diffOf(merged.theirs, "Nothing.")),
        el("details", {}, el("summary", {}, "What you changed"), diffOf(merged.mine, "Nothing.")),
        el("div", {}, el("button", { type: "button", class: "quiet", onclick: back }, "Back to my draft as it was")),
      );
      card.hidden = false;
      show();
      card.focus();
    },
    /** Something was typed, or chosen. */
    follow: () => merged && show(),
    close,
  };
}

function sentenceOf(left, all) {
  if (left) return `${plural(left, "place")} left where you and the file contradict each other: choose, or write it anew.`;
  return `Your draft and what is in the file now are one text${all ? "" : ": nothing in them contradicts"}. Look at what it changes, then apply it.`;
}
