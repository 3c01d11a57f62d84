// What may be written where the caret is, and what it means: from the schema of the policy file.

import { el, fill, find } from "{{dom.js}}";
import { helpAt, keysAt, valuesAt } from "{{schema.js}}";
import { piecesOf, placeOf } from "{{yaml-lines.js}}";

const MOST = 60;
const HOVER_MS = 250;

/**
 * On the text area `#text`. Ctrl+Space, or typing, offers; Enter or Tab takes what is chosen. `asked` is a promise of the
 * schema: what is wanted before it comes is offered then, and without it the text is typed as ever.
 */
export function suggestions(asked) {
  const text = find("#text");
  const list = find("#offers");
  const hint = find("#hint");
  const tip = find("#tip");
  let offers = [];
  let chosen = -1;
  let place = null;
  let hovering = null;
  let schema = null;
  let wanted = null;

  asked.then(
    (known) => {
      schema = known;
      if (wanted) offer(wanted.first);
      hintAtCaret();
    },
    () => {},
  );

  // --- offering

  function offer(first) {
    if (!schema) {
      wanted = { first };
      return;
    }
    place = placeOf(text.value, text.selectionStart);
    offers = place ? offersAt(schema, place) : [];
    if (!offers.length || (offers.length === 1 && offers[0].name === place.typed)) return close();
    choose(first ? 0 : -1);
    list.hidden = false;
    const { left, bottom } = caretBox();
    list.style.left = `${Math.min(left, innerWidth - list.offsetWidth - 8)}px`;
    const below = bottom + list.offsetHeight < innerHeight;
    list.style.top = `${below ? bottom + 2 : bottom - lineHeight() - list.offsetHeight - 2}px`;
  }

  function choose(at) {
    chosen = at;
    fill(
      list,
      offers.map(({ name, note, needed }, index) =>
        el(
          "li",
          { role: "option", id: `offer-${index}`, "aria-selected": String(index === at), onpointerdown: (event) => taken(event, index) },
          el("strong", {}, name),
          needed && el("em", {}, "required"),
          note && el("span", {}, note),
        ),
      ),
    );
    if (at < 0) text.removeAttribute("aria-activedescendant");
    else text.setAttribute("aria-activedescendant", `offer-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    wanted = null;
    list.hidden = true;
    chosen = -1;
    text.removeAttribute("aria-activedescendant");
  }

  function taken(event, index) {
    event.preventDefault(); // the caret stays where it is
    take(offers[index]);
  }

  function take({ name, isKey }) {
    const end = text.selectionStart;
    const before = text.value[end - place.typed.length - 1];
    const apart = !isKey && before === ":" ? " " : "";
    text.setSelectionRange(end - place.typed.length, end);
    // The one way to write that can be undone with Ctrl+Z.
    if (!document.execCommand("insertText", false, `${apart}${name}${isKey ? ": " : ""}`)) {
      text.setRangeText(`${apart}${name}${isKey ? ": " : ""}`, end - place.typed.length, end, "end");
      text.dispatchEvent(new Event("input"));
    }
    close();
  }

  text.addEventListener("input", (event) => {
    if (event.inputType === "insertText" && /[\w-]/.test(event.data ?? "")) offer(false);
    else close();
  });

  text.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      return offer(true);
    }
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose((chosen + step + offers.length) % offers.length);
    else if (event.key === "Escape") close();
    else if (chosen >= 0 && ["Enter", "Tab"].includes(event.key)) take(offers[chosen]);
    else return;
    event.preventDefault();
  });

  for (const leaving of ["blur", "scroll", "click"]) text.addEventListener(leaving, close);

  // --- saying what things mean

  document.addEventListener("selectionchange", hintAtCaret);

  function hintAtCaret() {
    if (schema && document.activeElement === text) fill(hint, ...saying(helpOf(text.value, text.selectionStart)));
  }

  function helpOf(value, offset) {
    const path = schema && pathAt(value, offset);
    const help = path && helpAt(schema, path);
    return help && { ...help, path };
  }

  text.addEventListener("pointermove", (event) => {
    clearTimeout(hovering);
    tip.hidden = true;
    hovering = setTimeout(() => explain(event), HOVER_MS);
  });
  text.addEventListener("pointerleave", () => {
    clearTimeout(hovering);
    tip.hidden = true;
  });

  function explain({ clientX, clientY }) {
    const box = text.getBoundingClientRect();
    const { paddingLeft, paddingTop } = getComputedStyle(text);
    const line = Math.floor((clientY - box.top - Number.parseFloat(paddingTop) + text.scrollTop) / lineHeight());
    const column = Math.floor((clientX - box.left - Number.parseFloat(paddingLeft) + text.scrollLeft) / charWidth());
    const lines = text.value.split("\n");
    if (line < 0 || column < 0 || column >= (lines[line]?.length ?? 0)) return;
    const help = helpOf(text.value, lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + column);
    if (!help?.note && !help?.kind) return;
    fill(tip, ...saying(help));
    tip.hidden = false;
    tip.style.left = `${Math.max(8, Math.min(clientX, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${clientY + 18 + tip.offsetHeight < innerHeight ? clientY + 18 : clientY - tip.offsetHeight - 12}px`;
  }

  // --- where characters stand: all are of one width

  const lineHeight = () => Number.parseFloat(getComputedStyle(text).lineHeight);

  function charWidth() {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = getComputedStyle(text).font;
    return pen.measureText("0".repeat(100)).width / 100;
  }

  function caretBox() {
    const before = text.value.slice(0, text.selectionStart).split("\n");
    const box = text.getBoundingClientRect();
    const { paddingLeft, paddingTop } = getComputedStyle(text);
    return {
      left: box.left + Number.parseFloat(paddingLeft) + before.at(-1).length * charWidth() - text.scrollLeft,
      bottom: box.top + Number.parseFloat(paddingTop) + before.length * lineHeight() - text.scrollTop,
    };
  }
}

/** What may be written at a place, as far as it begins with what is typed, or has it. */
export function offersAt(schema, { path, typed, wants, keys }) {
  const names = wants === "key" ? keysAt(schema, path, keys).map((each) => ({ ...each, isKey: true })) : [];
  const all = names.length || keys.length ? names : valuesAt(schema, path);
  const sought = typed.toLowerCase();
  const begin = all.filter(({ name }) => name.toLowerCase().startsWith(sought));
  const within = all.filter(({ name }) => name.toLowerCase().includes(sought) && !begin.some((each) => each.name === name));
  return [...begin, ...within].slice(0, MOST);
}

/** The path of the setting whose name or value is at an offset; null where there is none. */
export function pathAt(value, offset) {
  const start = value.lastIndexOf("\n", offset - 1) + 1;
  const stop = value.indexOf("\n", start);
  const line = value.slice(start, stop < 0 ? undefined : stop);
  let end = 0;
  for (const [kind, piece] of piecesOf(line)) {
    end += piece.length;
    if (end < offset - start || (end === offset - start && end < line.length && kind !== "key")) continue;
    if (kind === "comment") return null;
    const place = placeOf(value, kind === "space" || kind === "mark" ? offset : start + end);
    if (!place) return null;
    return place.wants === "key" && place.typed ? [...place.path, place.typed.replace(/^["']|["']$/g, "")] : place.path;
  }
  return placeOf(value, offset)?.path ?? null;
}

function saying(help) {
  if (!help?.path.length) return [];
  const more = [help.kind, help.usual && `usually ${help.usual}`, help.example && `such as ${help.example}`];
  const name = help.path.map((step) => (typeof step === "number" ? `[${step}]` : step)).join(".").replaceAll(".[", "[");
  return [el("strong", {}, name), el("span", {}, [" ", help.note, ` (${more.filter(Boolean).join("; ")})`].join(""))];
}
