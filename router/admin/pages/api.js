// The JSON API and its events.

const CSRF = "x-csrf-token";
const AGAIN_MS = 10_000;

export class Refused extends Error {
  constructor(status, trouble) {
    super(trouble.message);
    Object.assign(this, {
      status,
      code: trouble.code,
      version: trouble.version,
      problems: trouble.problems ?? [],
    });
  }
}

/** The query string of what is not empty; a list is there with each of its values. */
export function queryOf(values) {
  const given = Object.entries(values)
    .flatMap(([name, value]) => [value].flat().map((each) => [name, each]))
    .filter(([, value]) => value !== "" && value != null && value !== false);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

/** The answer's JSON. Throws Refused; whoever is not signed in any more goes to the sign-in page. */
export async function ask(path, options = {}) {
  const response = await answered(path, options);
  return response.json().catch(() => null);
}

/**
 * For answers of several lines: `heard(line)` is called with each as it comes; gives the last one. Throws as `ask` does,
 * and where the answer ends in the midst of it.
 */
export async function lines(path, options, heard) {
  const response = await answered(path, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let last = {};
  for (;;) {
    const { value, done } = await reader.read().catch(unreachable);
    if (done) return last;
    const whole = (rest + value).split("\n");
    rest = whole.pop();
    for (const line of whole.filter(Boolean)) {
      last = JSON.parse(line);
      heard(last);
    }
  }
}

/** A response that is no refusal. */
async function answered(
  path,
  { query = {}, body, method = body ? "POST" : "GET", headers = {}, signal } = {},
) {
  const address = path + queryOf(query);
  const sent = { ...headers };
  if (method !== "GET") sent[CSRF] = (await session()).csrf;
  if (body) sent["content-type"] = "application/json";
  const begun = method === "GET" ? takeEarly(address) : undefined;
  const response = await (begun
    ? begun.catch(unreachable)
    : reach(address, { method, headers: sent, body: body && JSON.stringify(body), signal }));
  signal?.throwIfAborted();
  if (response.status === 401) return signInAgain();
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  throw new Refused(
    response.status,
    answer?.error ?? { code: "failed", message: `The gateway answered ${response.status}.` },
  );
}

/** What a page began to ask for before its modules were there, see `spend-early.js`; once. */
function takeEarly(address) {
  const begun = globalThis.early?.get(address);
  globalThis.early?.delete(address);
  return begun;
}

const reach = (address, options) => fetch(address, options).catch(unreachable);

function unreachable(error) {
  if (error.name === "AbortError") throw error;
  throw new Refused(0, {
    code: "unreachable",
    message: "The gateway cannot be reached. Is it running?",
  });
}

function signInAgain() {
  const wanted = location.pathname + location.search + location.hash;
  location.assign(`/sign-in${queryOf({ next: wanted === "/" ? "" : wanted })}`);
  return new Promise(() => {});
}

let asked;
/** Who is signed in; asked for once. */
export function session() {
  asked ??= ask("/api/session").catch((error) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

/** Calls `handlers[event](data)`, and `handlers.state(connected)`, until the page is left. */
export function listen(handlers) {
  const source = new EventSource("/api/events");
  for (const [name, handle] of Object.entries(handlers)) {
    if (name !== "state") source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
  }
  source.addEventListener("open", () => handlers.state?.(true));
  source.addEventListener("error", () => {
    handlers.state?.(false);
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    ask("/api/session").catch(() => {});
    setTimeout(() => listen(handlers), AGAIN_MS);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}
