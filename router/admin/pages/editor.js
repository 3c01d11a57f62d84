// A text area with line numbers, coloured text behind it and marked lines. What is typed and read aloud is the text area
// itself; without the colours it is a plain one.

import { el, fill, find } from "{{dom.js}}";
import { piecesOf } from "{{yaml-lines.js}}";

const SPARE_LINES = 40;

/** `changed()` is called after every change. Lines count from 1. */
export function editor({ changed }) {
  const text = find("#text");
  const gutter = find("#gutter");
  const backdrop = find("#backdrop");
  const ink = find("#ink");
  let marked = new Map();
  let lines = [""];
  text.classList.add("inked");

  function draw() {
    lines = text.value.split("\n");
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

  /** Of a long text only the lines in sight are coloured, and some around them. */
  function follow() {
    const height = lineHeight();
    const first = Math.max(0, Math.floor(text.scrollTop / height) - SPARE_LINES);
    const last = first + Math.ceil(text.clientHeight / height) + 2 * SPARE_LINES;
    gutter.scrollTop = text.scrollTop;
    backdrop.style.transform = `translateY(${-text.scrollTop}px)`;
    ink.style.transform = `translate(${-text.scrollLeft}px, ${first * height - text.scrollTop}px)`;
    fill(ink, lines.slice(first, last).map(inked));
  }

  const lineHeight = () => Number.parseFloat(getComputedStyle(text).lineHeight);

  text.addEventListener("scroll", follow);
  text.addEventListener("input", () => {
    draw();
    changed();
  });
  new ResizeObserver(follow).observe(text);

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
      text.scrollTop = Math.max(0, (line - 4) * lineHeight());
      follow();
    },
  };
}

const inked = (line) =>
  el(
    "span",
    {},
    piecesOf(line).map(([kind, text]) => (kind === "space" ? text : el("i", { class: `ink-${kind}` }, text))),
  );
