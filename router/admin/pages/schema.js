// A JSON Schema, asked about one place: what may stand there, and what it means.

/** The schemas that a path leads to: more than one where a section is of several kinds. */
export function schemasAt(schema, path) {
  let nodes = resolved(schema, schema);
  for (const step of path) nodes = nodes.flatMap((node) => inner(node, step)).flatMap((node) => resolved(node, schema));
  return nodes;
}

function resolved(node, schema) {
  if (node?.$ref) {
    const target = schema.$defs?.[node.$ref.split("/").at(-1)] ?? {};
    return resolved({ ...target, ...node, $ref: undefined }, schema);
  }
  const branches = node?.anyOf ?? node?.oneOf;
  if (!branches || node.properties) return node ? [node] : [];
  const { anyOf: _, oneOf: __, ...shared } = node;
  return branches
    .filter((branch) => branch.type !== "null")
    .flatMap((branch) => resolved({ ...branch, ...described(shared) }, schema));
}

/** What is said of a field holds for each form that it may have. */
const described = ({ description, examples, default: usual }) =>
  Object.fromEntries(
    Object.entries({ description, examples, default: usual }).filter(([, value]) => value !== undefined),
  );

function inner(node, step) {
  if (typeof step === "number") return node.items ? [node.items] : [];
  const known = node.properties?.[step];
  if (known) return [known];
  const others = [...Object.values(node.patternProperties ?? {}), node.additionalProperties];
  return others.filter((each) => each && typeof each === "object");
}

/** `{name, note}` of each key that a mapping may have, those that it must have first. */
export function keysAt(schema, path, present = []) {
  const found = new Map();
  for (const node of schemasAt(schema, path))
    for (const [name, field] of Object.entries(node.properties ?? {}))
      if (!found.has(name) && !present.includes(name))
        found.set(name, { name, note: noteOf(schema, field), needed: node.required?.includes(name) ?? false });
  return [...found.values()].sort((one, other) => other.needed - one.needed);
}

/** `{name, note}` of each value that may stand there, as far as there are few. */
export function valuesAt(schema, path) {
  const found = new Map();
  for (const node of schemasAt(schema, path)) {
    const names = node.enum ?? (node.const !== undefined ? [node.const] : node.type === "boolean" ? [true, false] : []);
    for (const name of names) found.set(String(name), { name: String(name), note: "" });
  }
  return [...found.values()];
}

/** What is said of a place: `{kind, note, example, usual}`; null where nothing is. */
export function helpAt(schema, path) {
  const nodes = schemasAt(schema, path);
  const said = nodes.find((node) => node.description) ?? nodes[0];
  if (!said) return null;
  return {
    kind: [...new Set(nodes.map(kindOf))].filter(Boolean).join(" or "),
    note: said.description ?? "",
    example: said.examples?.length ? JSON.stringify(said.examples[0]) : "",
    usual: said.default === undefined || said.default === null ? "" : JSON.stringify(said.default),
  };
}

function noteOf(schema, field) {
  const [said] = resolved(field, schema);
  return field.description ?? said?.description ?? "";
}

function kindOf(node) {
  if (node.enum) return `one of ${node.enum.join(", ")}`;
  if (node.const !== undefined) return String(node.const);
  return { object: "section", array: "list", string: "text", integer: "whole number", number: "number", boolean: "true or false" }[node.type] ?? "";
}
