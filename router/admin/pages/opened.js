// One thing of a list, opened above it: the address says which, and the keyboard goes there and back.

import { ask } from "{{api.js}}";
import { el, failed, fill, find } from "{{dom.js}}";

/** A name and what it is, of a list of facts. */
export const fact = (name, value, title) => [el("dt", {}, name), el("dd", { title: title || null }, value)];

/**
 * `name`: the parameter of the address that says which. `path(which)` is asked, and `show(answer)` given what it says.
 * `title(which)` is the heading until then. Gives `open(which)`; `again()`; `heading(title)`, with the button that
 * closes; `link(which, text, title)` of the list; and which one is open.
 */
export function opened({ page, name, path, title, waiting = "Loading…", show }) {
  const place = find("#detail");
  let now = "";

  async function open(which) {
    if (which === now) return;
    now = which;
    place.hidden = !which;
    if (!which) return;
    fill(place, heading(title(which)), el("p", { class: "waiting", role: "status" }, waiting));
    await again();
    find("#detail-title").focus();
  }

  async function again() {
    const which = now;
    if (!which) return;
    try {
      const answer = await ask(path(which));
      if (now === which) show(answer);
    } catch (error) {
      if (now === which) fill(place, heading(title(which)), failed(error, again));
    }
  }

  function heading(text) {
    return el(
      "div",
      { class: "title" },
      el("h2", { id: "detail-title", tabindex: "-1" }, text),
      el("button", { type: "button", class: "quiet", onclick: close }, "Close"),
    );
  }

  /** The link that opened it is the place to go on from. */
  function close() {
    const which = now;
    page.go({ [name]: null });
    [...document.querySelectorAll("#list a")].find((link) => link.dataset.opens === which)?.focus();
  }

  function link(which, text, title = null) {
    return el(
      "a",
      { href: page.address({ [name]: which }), title, "data-opens": which, onclick: (event) => follow(event, which) },
      text,
    );
  }

  /** Here, unless another tab or window is asked for. */
  function follow(event, which) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    page.go({ [name]: which });
  }

  return {
    open,
    again,
    heading,
    link,
    get which() {
      return now;
    },
  };
}
