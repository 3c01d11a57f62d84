// What Spend asks for, begun before its modules are there: `ask` takes it from here by its address, once. No module, so
// that it runs while the head is read. An address that is not asked for after all costs a request, and shows nothing.

(() => {
  const given = new URLSearchParams(location.search);
  const chosen = (name) => (name === "team" ? given.getAll(name) : [given.get(name) ?? ""]);
  const filters = ["team", "model", "backend", "zone", "key"].flatMap((name) =>
    chosen(name).map((value) => [name, value]),
  );
  const range = given.get("from")
    ? ["from", "to"].map((name) => [name, given.get(name) ?? ""])
    : [["range", given.get("range") ?? "today"]];
  const address = (path, query) => {
    const said = query.filter(([, value]) => value !== "");
    return said.length ? `${path}?${new URLSearchParams(said)}` : path;
  };
  const addresses = [
    address("/api/spend", [...range, ["by", given.get("by") ?? "backend"], ...filters]),
    address("/api/spend/glance", filters),
    "/api/budgets",
    "/api/session",
  ];
  globalThis.early = new Map(addresses.map((each) => [each, fetch(each)]));
  for (const answer of globalThis.early.values()) answer.catch(() => {}); // whoever takes it is told
})();
