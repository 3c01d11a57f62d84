// Tables that sort, and that can be kept as CSV.

import { download, el, empty, fill } from "{{dom.js}}";

// On a phone each row is a card, and what is no table to the eye would be none to a screen reader either.
const ROLES = {
  table: { role: "table" },
  thead: { role: "rowgroup" },
  tbody: { role: "rowgroup" },
  tr: { role: "row" },
  head: { role: "columnheader" },
  th: { role: "rowheader" },
  td: { role: "cell" },
};
const SPREADSHEET_WOULD_COMPUTE = /^[=+\-@\t\r]/;

/**
 * `columns`: `{key, label, value(row), show(row)?, number?, head?, hint?, only?}`. `value` sorts and goes into CSV; `show`
 * gives text or a node; those with `only: "csv"` are not shown. `sort`: `[key, "ascending" | "descending"]` to begin
 * with; without it rows keep their order.
 */
export function table(
  place,
  { caption, columns: all, sort = null, nothing = ["Nothing yet", ""], csv = "", csvLink = null },
) {
  const columns = all.filter((column) => !column.only);
  let rows = [];
  let order = sort;
  const heads = columns.map((column) =>
    headOf(column, () => {
      order = turned(order, column);
      draw();
    }),
  );
  const body = el("tbody", ROLES.tbody);
  const grid = el(
    "div",
    { class: "scroll", role: "region", "aria-label": `${caption} (table)`, tabindex: "0" },
    el(
      "table",
      { ...ROLES.table, class: "carded" },
      el("caption", { class: "hidden-label" }, caption),
      el("thead", ROLES.thead, el("tr", ROLES.tr, heads)),
      body,
    ),
  );
  const link =
    csvLink ??
    (csv &&
      el(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => save(csv, all, sorted(rows, columns, order)),
        },
        "CSV",
      ));
  const tools = el("div", { class: "table-tools" }, link);

  function draw() {
    columns.forEach((column, at) =>
      heads[at].setAttribute("aria-sort", order?.[0] === column.key ? order[1] : "none"),
    );
    fill(
      body,
      sorted(rows, columns, order).map((row) => rowOf(row, columns)),
    );
  }

  return {
    show(found) {
      rows = found;
      if (!rows.length) return void fill(place, empty(...nothing));
      draw();
      if (!place.contains(grid)) fill(place, tools, grid);
    },
  };
}

function headOf(column, press) {
  const label = el(
    "button",
    { type: "button", onclick: press, title: column.hint },
    column.label,
    el("span", { class: "arrow", "aria-hidden": "true" }),
  );
  return el("th", { ...ROLES.head, scope: "col", class: column.number && "number", "aria-sort": "none" }, label);
}

function turned(order, column) {
  const first = column.number ? "descending" : "ascending";
  if (order?.[0] !== column.key) return [column.key, first];
  return [column.key, order[1] === "ascending" ? "descending" : "ascending"];
}

function rowOf(row, columns) {
  const cells = columns.map((column) => {
    const content = column.show ? column.show(row) : String(column.value(row) ?? "");
    return el(
      column.head ? "th" : "td",
      { class: column.number && "number", scope: column.head && "row", ...ROLES[column.head ? "th" : "td"], "data-label": column.label },
      content,
    );
  });
  return el("tr", ROLES.tr, cells);
}

function sorted(rows, columns, order) {
  if (!order) return rows;
  const { value } = columns.find((column) => column.key === order[0]);
  const sign = order[1] === "ascending" ? 1 : -1;
  return [...rows].sort((a, b) => sign * compared(value(a), value(b)));
}

function compared(a, b) {
  if (a == null || b == null) return (a == null ? 0 : 1) - (b == null ? 0 : 1);
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function save(name, columns, rows) {
  const lines = [
    columns.map((column) => column.label),
    ...rows.map((row) => columns.map((column) => column.value(row))),
  ];
  download(`${name}.csv`, "text/csv", `${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`);
}

/** As RFC 4180 writes it; text that a spreadsheet would compute gets an apostrophe. */
function cell(value) {
  const text =
    typeof value === "string" && SPREADSHEET_WOULD_COMPUTE.test(value) ? `'${value}` : String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
