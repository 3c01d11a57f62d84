// One or several of some names in a form of filters: a list of boxes to tick, which opens.

import { el, find } from "{{dom.js}}";

const MOST_SHOWN = 2;

/** `box` is a <details> with a group in it; `what` is what its names are, such as "teams". */
export function several(box, what) {
  const list = find("[role=group]", box);
  const { name } = list.dataset;
  const inputs = () => [...list.querySelectorAll("input")];
  const labels = new Map();

  const labelOf = (value) => {
    if (!labels.has(value))
      labels.set(value, el("label", { class: "tick" }, el("input", { type: "checkbox", name, value }), ` ${value}`));
    return labels.get(value);
  };
  const offer = (names) => {
    const shown = inputs().map((input) => input.value);
    if (shown.length === names.length && shown.every((each, at) => each === names[at])) return;
    const focused = list.contains(document.activeElement) && document.activeElement;
    list.replaceChildren(...names.map(labelOf));
    if (focused) focused.focus();
  };

  addEventListener("pointerdown", ({ target }) => {
    if (!box.contains(target)) box.open = false;
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    box.open = false;
    find("summary", box).focus();
  });

  return {
    get chosen() {
      return inputs()
        .filter((input) => input.checked)
        .map((input) => input.value);
    },
    /** Ticks the chosen ones among `names`, or among those that are offered already. */
    show(chosen, names = inputs().map((input) => input.value)) {
      offer([...new Set([...names, ...chosen])].filter(Boolean));
      for (const input of inputs()) input.checked = chosen.includes(input.value);
      const told = find("b", box);
      told.textContent = namesOf(chosen, what) || `All ${what}`;
      told.title = chosen.join("\n");
    },
  };
}

/** A few by their names, more by their number; empty without any. */
export const namesOf = (chosen, what) =>
  chosen.length > MOST_SHOWN ? `${chosen.length} ${what}` : chosen.join(" and ");
