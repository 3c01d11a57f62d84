// The form of filters above a list, and the address, which has what is chosen there.

import { el, find } from "{{dom.js}}";

/** Until a text that is typed counts as typed. */
export const TYPED_MS = 250;

/** What is chosen in the form of filters goes into the address: the first page of what they find. */
export function filtered(page) {
  let typing = null;
  find("#filters").addEventListener("submit", (event) => event.preventDefault());
  find("#filters").addEventListener("input", ({ target }) => {
    clearTimeout(typing);
    const go = () => page.go({ [target.name]: target.value.trim() || null, offset: null });
    if (target.name === "search") typing = setTimeout(go, TYPED_MS);
    else go();
  });
}

/** The fields of that form, as the address has them, but for the one that is typed in. */
export function showFilters(values) {
  for (const [name, value] of Object.entries(values)) {
    const field = find("#filters").elements[name];
    if (field && field !== document.activeElement) field.value = value;
  }
}

/** More names to choose from. */
export function offer(select, names) {
  const known = new Set([...select.options].map((option) => option.value));
  select.append(...names.filter((name) => name && !known.has(name)).map((name) => el("option", { value: name }, name)));
}
