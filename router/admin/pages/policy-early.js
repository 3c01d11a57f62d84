// What Policy asks for, begun before its modules are there: see `spend-early.js`.

globalThis.early = new Map(["/api/session", "/api/policy"].map((each) => [each, fetch(each)]));
for (const answer of globalThis.early.values()) answer.catch(() => {}); // whoever takes it is told
