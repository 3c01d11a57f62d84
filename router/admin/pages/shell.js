// What every page has: who is signed in, signing out, and whether what is shown is live.

import { ask, listen, session } from "{{api.js}}";
import { find } from "{{dom.js}}";

/** `handlers` by event, as for `listen`. Gives the session. */
export async function shell(handlers = {}) {
  const live = find("#live");
  const notice = find("#notice");
  find("#sign-out").addEventListener("submit", async (event) => {
    event.preventDefault();
    await ask("/sign-out", { method: "POST" }).catch(() => {});
    location.assign("/sign-in");
  });
  listen({
    ...handlers,
    notice({ message }) {
      notice.textContent = message;
      notice.hidden = !message;
    },
    state(connected) {
      live.dataset.state = connected ? "live" : "lost";
      live.textContent = connected ? "Live" : "Reconnecting…";
    },
  });
  const who = await session();
  find("#who").textContent = who.role === "admin" ? "Admin" : "Viewer";
  return who;
}

/** Calls `act` at most once in `ms`, and once more after the last call. */
export function throttled(act, ms) {
  let timer = null;
  let again = false;
  const run = () => {
    timer = setTimeout(() => { timer = null; if (again) { again = false; run(); } }, ms);
    act();
  };
  return () => { if (timer) again = true; else run(); };
}
