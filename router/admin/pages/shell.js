// What every page has: who is signed in, signing out, and whether what is shown is live.

import { ask, listen, session } from "{{api.js}}";
import { find } from "{{dom.js}}";
import { sentence } from "{{format.js}}";
import { may, neededFor, rightsOf, titleOf } from "{{roles.js}}";

/**
 * `handlers` by event, as for `listen`; `again` is called when what is shown may have missed something. Gives the
 * session.
 */
export async function shell(handlers = {}) {
  const live = find("#live");
  const notice = find("#notice");
  const again = () => handlers.again?.();
  // A page out of the browser's memory is old.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again());
  find("#sign-out").addEventListener("submit", async (event) => {
    event.preventDefault();
    await ask("/sign-out", { method: "POST" }).catch(() => {});
    location.assign("/sign-in");
  });
  const who = await session();
  // Members are told nothing of what others do, so nothing is live for them.
  live.hidden = !may(who.role, "viewer");
  for (const link of document.querySelectorAll("nav a")) {
    link.hidden = !may(who.role, neededFor(link.getAttribute("href")));
  }
  if (!live.hidden) {
    listen({
      ...handlers,
      notice({ message }) {
        if (notice.textContent && !message) again();
        notice.textContent = sentence(message);
        notice.hidden = !message;
      },
      state(connected) {
        live.dataset.state = connected ? "live" : "lost";
        live.textContent = connected ? "Live" : "Reconnecting…";
      },
    });
  }
  find("#simulated-backends").hidden = !who.simulated;
  const shown = find("#who");
  shown.textContent = who.user ? `${who.user} · ${titleOf(who.role)}` : titleOf(who.role);
  shown.title = rightsOf(who.role);
  return who;
}

/** Calls `act` at most once in `ms`, and once more after the last call; not while nobody looks. */
export function throttled(act, ms) {
  let timer = null;
  let again = false;
  const run = () => {
    timer = setTimeout(() => {
      timer = null;
      if (again) {
        again = false;
        run();
      }
    }, ms);
    if (document.visibilityState === "visible") act();
  };
  return () => {
    if (timer) again = true;
    else run();
  };
}
