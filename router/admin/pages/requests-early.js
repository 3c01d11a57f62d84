// What Requests asks for, begun before its modules are there: see `spend-early.js`. What a link seeks is asked for later.

globalThis.early = new Map(
  ["/api/session", ...(location.search ? [] : ["/api/requests?limit=100"])].map((each) => [each, fetch(each)]),
);
for (const answer of globalThis.early.values()) answer.catch(() => {}); // whoever takes it is told
