// A text area with line numbers, on which lines can be marked.

import { el, fill, find } from "{{dom.js}}";

/** `changed()` is called after every change. Lines count from 1. */
export function editor({ changed }) {
  const text = find("#text");
  const gutter = find("#gutter");
  const backdrop = find("#backdrop");
  let marked = new Map();

  function draw() {
    const lines = text.value.split("\n");
    const kind = (at) => (marked.has(at + 1) ? "marked" : null);
    fill(
      gutter,
      lines.map((_, at) => el("span", { class: kind(at) }, String(at + 1))),
    );
    fill(
      backdrop,
      lines.map((_, at) => el("span", { class: kind(at) })),
    );
    follow();
  }

  function follow() {
    gutter.scrollTop = text.scrollTop;
    backdrop.style.transform = `translateY(${-text.scrollTop}px)`;
  }

  text.addEventListener("scroll", follow);
  text.addEventListener("input", () => {
    draw();
    changed();
  });

  return {
    get text() {
      return text.value;
    },
    set text(value) {
      text.value = value;
      marked = new Map();
      draw();
    },
    set readOnly(value) {
      text.readOnly = value;
    },
    mark(problems) {
      marked = new Map(
        problems.filter((problem) => problem.line > 0).map((problem) => [problem.line, problem.message]),
      );
      text.setAttribute("aria-invalid", problems.length > 0);
      draw();
    },
    /** Puts the caret at the beginning of the text of a line, in sight. */
    goTo(line, column = 1) {
      const start =
        text.value
          .split("\n")
          .slice(0, line - 1)
          .reduce((sum, each) => sum + each.length + 1, 0) + Math.max(0, column - 1);
      text.focus();
      text.setSelectionRange(start, start);
      const height = text.scrollHeight / Math.max(1, text.value.split("\n").length);
      text.scrollTop = Math.max(0, (line - 4) * height);
      follow();
    },
  };
}
