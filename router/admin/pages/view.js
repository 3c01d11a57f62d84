// The address holds what is looked at, so that it can be shared, kept and gone back to.

/** `defaults` names all parameters; of what is a list by default the address has each one. `changed(values)` is called for every new view. */
export function view(defaults, changed) {
  const read = () => {
    const given = new URLSearchParams(location.search);
    const valueOf = (name, value) => (Array.isArray(value) ? given.getAll(name) : (given.get(name) ?? value));
    return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, valueOf(name, value)]));
  };
  const address = (changes) => {
    const values = { ...read(), ...changes };
    const said = Object.entries(values)
      .filter(([name, value]) => value !== defaults[name] && value != null)
      .flatMap(([name, value]) => [value].flat().map((each) => [name, each]));
    return said.length ? `${location.pathname}?${new URLSearchParams(said)}` : location.pathname;
  };
  addEventListener("popstate", () => changed(read()));
  return {
    get now() {
      return read();
    },
    address,
    go(changes) {
      history.pushState(null, "", address(changes));
      changed(read());
    },
  };
}
