// A unified diff, with what each line is said by its sign and by a colour.

import { el, empty } from "{{dom.js}}";
import { count, plural } from "{{format.js}}";

const KINDS = { "+": ["added", "added"], "-": ["removed", "removed"], "@": ["place", ""] };

export function diffOf(text, same = "Nothing: it is what is in force.") {
  if (!text) return empty(same);
  const lines = text.replace(/\n$/, "").split("\n");
  const marks = lines.map((line, at) =>
    at < 2 && /^(---|\+\+\+)/.test(line) ? ["place", ""] : (KINDS[line[0]] ?? ["", ""]),
  );
  const added = marks.filter(([kind]) => kind === "added").length;
  const removed = marks.filter(([kind]) => kind === "removed").length;
  return el(
    "div",
    { class: "stack" },
    el("p", { class: "muted" }, `${plural(added, "line")} added, ${count(removed)} removed.`),
    el(
      "div",
      { class: "diff", role: "region", "aria-label": "Changes", tabindex: "0" },
      lines.map((line, at) => el("span", { class: marks[at][0] || null }, line || " ")),
    ),
  );
}
