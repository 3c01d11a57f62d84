// A list that the gateway gives in pages, found again with every change of the address.

import { ask } from "{{api.js}}";
import { el, failed, fill, find } from "{{dom.js}}";
import { exactCount, plural } from "{{format.js}}";

const PAGE = 50;

/**
 * Gives `load()`, which asks `path` for what `query()` names and gives `show` the answer; only the last one that is
 * asked for is shown. `one`: what a row is. Turning goes to another `offset` of the page's address.
 */
export function paged({ page, path, query, one, show }) {
  let asking = new AbortController();
  let latest = null;

  /** Returns once the last one that was asked for is shown, whoever asked for it. */
  function load() {
    latest = once();
    return latest;
  }

  async function once() {
    asking.abort();
    asking = new AbortController();
    try {
      const answer = await ask(path, { query: { ...query(), limit: PAGE }, signal: asking.signal });
      show(answer);
      pages(find("#pages"), { offset: Number(page.now.offset) || 0, total: answer.total, one, page });
    } catch (error) {
      if (error.name === "AbortError") return latest;
      fill(find("#list"), failed(error, load));
    }
    find("[aria-busy]")?.setAttribute("aria-busy", "false");
  }

  return load;
}

/** Which rows of how many are shown, and buttons to the others. */
function pages(place, { offset, total, one, page }) {
  const turn = (to, text, enabled) =>
    el(
      "button",
      { type: "button", class: "quiet", disabled: !enabled, onclick: () => page.go({ offset: String(to) }) },
      text,
    );
  const [first, last] = [Math.min(offset + 1, total), Math.min(offset + PAGE, total)];
  fill(
    place,
    total > PAGE && turn(Math.max(0, offset - PAGE), "Previous", offset > 0),
    el(
      "span",
      { class: "muted", role: "status" },
      `${total > PAGE ? `${exactCount(first)} to ${exactCount(last)} of ` : ""}${plural(total, one)}`,
    ),
    total > PAGE && turn(offset + PAGE, "Next", offset + PAGE < total),
  );
}
