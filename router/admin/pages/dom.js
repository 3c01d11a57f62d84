// Elements without markup: whatever comes from outside goes in as text.

import { sentence } from "{{format.js}}";

/** `el("td", {class: "number", title: "42"}, "42")`. Attributes that are null or false are left out. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value != null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

export const find = (selector, within = document) => within.querySelector(selector);

/** Replaces what is in `node`. Whoever was on a part of it with the keyboard is on the same part afterwards. */
export function fill(node, ...children) {
  const before = node.contains(document.activeElement) ? document.activeElement : null;
  node.replaceChildren(...children.flat().filter((child) => child != null && child !== false));
  if (before && !before.isConnected) sameAs(before, node)?.focus({ preventScroll: true });
  return node;
}

const nameOf = (part) => part.id || part.dataset.part || part.getAttribute("href") || part.textContent;
const sameAs = (part, node) =>
  [...node.querySelectorAll(part.tagName)].find((each) => nameOf(each) === nameOf(part));

export const figure = (text, title) => el("span", { class: "figure", title: title || null }, text);

/** A sentence of the gateway's, with what stands in backticks as code. */
export const withCode = (text) => text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

/** What to show where there is nothing: a heading, and what to do about it. */
export const empty = (title, advice = "") =>
  el("div", { class: "empty" }, el("p", { class: "empty-title" }, title), advice && el("p", {}, advice));

/** What to show where something failed. */
export const failed = (error, again) =>
  el(
    "div",
    { class: "problem", role: "alert" },
    el("p", {}, el("strong", {}, "This could not be loaded. "), sentence(error.message)),
    again && el("button", { type: "button", onclick: again }, "Try again"),
  );

export const badge = (kind, text) => el("span", { class: `badge ${kind}` }, text);

/** Offers text as a file. */
export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}

/** Whether a text is in the clipboard now: a browser that was not asked over https may not allow it. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
