// YAML as a reader sees it, line by line: what a piece of a line is, and where in the document a place is. It reads what
// people are just typing, so nothing is ever wrong to it; whether a policy is right, the gateway says.

const BARE = String.raw`[^\s:#,{}\[\]"'&*!|>%@\x60-](?:[^:#,{}\[\]]|:(?!\s|$)|(?<!\s)#)*`;
const PIECE = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<comment>(?<=^|\s)#.*)`,
    String.raw`(?<key>(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|${BARE})(?=\s*:(?:\s|$)))`,
    String.raw`(?<string>"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?)`,
    String.raw`(?<mark>[{}\[\],:]|-(?=\s|$)|[|>][+-]?\s*$)`,
    String.raw`(?<bare>${BARE}|[^\s])`,
  ].join("|"),
  "y",
);
const NUMBER = /^[-+]?(?:\d[\d_]*\.?\d*(?:e[-+]?\d+)?|\d+(?:\.\d+)?(?:ms|s|m|h))$/i;
const WORDS = new Set(["true", "false", "null", "~"]);

/** `[kind, text]` of each piece of a line; the texts together are the line. */
export function piecesOf(line) {
  const pieces = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < line.length) {
    const { groups, 0: text } = PIECE.exec(line);
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined);
    pieces.push([kind === "bare" ? kindOf(text.trimEnd()) : kind, text]);
  }
  return pieces;
}

const kindOf = (text) => (WORDS.has(text) ? "word" : NUMBER.test(text) ? "number" : "plain");

/**
 * Where an offset of a text is: `{path, typed, wants, keys}`. `path` leads to what is being written: with "key", to the
 * mapping that the key is in, with "value", to the value. `typed` is what of it stands before the offset, `keys` are
 * the ones that the mapping has before it. Null in a comment.
 */
export function placeOf(text, offset) {
  const reader = new Reader();
  const lines = text.slice(0, offset).split("\n");
  const last = lines.pop();
  for (const line of lines) reader.line(line);
  return reader.place(last);
}

class Reader {
  /** Of blocks: `{indent, key, keys}` of a mapping, `{indent, at}` of a list. */
  blocks = [];
  /** Of braces and brackets, which may go on over lines: `{key, keys}` or `{at}`; `typed` is the piece that is open. */
  flows = [];

  line(line) {
    const pieces = piecesOf(line).filter(([kind]) => kind !== "comment");
    let column = 0;
    let fresh = this.flows.length === 0;
    for (const [at, [kind, text]] of pieces.entries()) {
      if (this.flows.length || (!fresh && /^[{[]$/.test(text))) this.flow(kind, text);
      else if (fresh && kind !== "space") fresh = this.block(kind, text, column, pieces[at + 1]);
      column += text.length;
    }
  }

  /** Whether what follows on the line may begin a block, too. */
  block(kind, text, indent, following) {
    if (text === "-" && kind === "mark") {
      while (this.top && this.top.indent > indent) this.blocks.pop();
      if (this.top?.indent === indent && "at" in this.top) this.top.at += 1;
      else this.blocks.push({ indent, at: 0 });
      return true;
    }
    while (this.top && this.top.indent > indent) this.blocks.pop();
    if (this.top?.indent === indent && "at" in this.top) this.blocks.pop();
    if (kind === "key") this.named(indent, unquoted(text));
    else if (/^[{[]$/.test(text)) this.flow(kind, text);
    return false;
  }

  get top() {
    return this.blocks.at(-1);
  }

  named(indent, key) {
    if (this.top?.indent === indent && "keys" in this.top) {
      this.top.key = key;
      this.top.keys.push(key);
    } else this.blocks.push({ indent, key, keys: [key] });
  }

  flow(kind, text) {
    const inner = this.flows.at(-1);
    if (text === "{") this.flows.push({ key: null, keys: [] });
    else if (text === "[") this.flows.push({ at: 0 });
    else if (text === "}" || text === "]") this.flows.pop();
    else if (text === ",") "at" in inner ? (inner.at += 1) : (inner.key = null);
    else if (kind === "key" && "keys" in inner) {
      inner.key = unquoted(text);
      inner.keys.push(inner.key);
    }
  }

  /** `line` ends where the place is. */
  place(line) {
    const pieces = piecesOf(line);
    const [kind, text] = pieces.at(-1) ?? ["space", ""];
    if (kind === "comment") return null;
    const isOpen = !["space", "mark", "key"].includes(kind);
    const typed = isOpen ? text : "";
    const before = line.slice(0, line.length - typed.length);
    this.line(before);
    if (this.flows.length) return this.inFlow(typed);
    const begins = /^\s*(?:-\s+)*$/.test(before);
    if (!begins) return { path: this.path(), typed, wants: "value", keys: [] };
    const indent = before.length;
    while (this.top && this.top.indent > indent) this.blocks.pop();
    if (this.top?.indent === indent && "at" in this.top) this.blocks.pop();
    const mapping = this.top?.indent === indent && "keys" in this.top ? this.blocks.pop() : null;
    return { path: this.path(), typed, wants: "key", keys: mapping?.keys ?? [] };
  }

  inFlow(typed) {
    const inner = this.flows.at(-1);
    if ("at" in inner || inner.key !== null) return { path: this.path(), typed, wants: "value", keys: [] };
    return { path: this.path(), typed, wants: "key", keys: inner.keys };
  }

  path() {
    return [...this.blocks, ...this.flows].map((each) => ("at" in each ? each.at : each.key)).filter((step) => step !== null);
  }
}

function unquoted(text) {
  const quote = text[0];
  return text.length > 1 && (quote === '"' || quote === "'") && text.endsWith(quote) ? text.slice(1, -1) : text.trimEnd();
}
