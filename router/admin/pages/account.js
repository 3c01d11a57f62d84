// Net cost: what was paid, and what the cloud alone would have charged.

import { el, figure, fill } from "{{dom.js}}";
import { count, day, exactCount, exactMoney, money, percent, plural } from "{{format.js}}";

const NO_PRICE = "no cloud price to compare";

/** What goes into `place`: what was bought and the rent against the cloud alone. */
export function showAccount(place, spend) {
  const { total, could_not_leave: stayed } = spend;
  const { cloud_alone_micro_usd: alone, net_micro_usd: net, rent_micro_usd: rent } = total;
  const whole = spend.rent_unused_micro_usd != null;
  const line = (label, micro, kind = "", note = "") =>
    el(
      "tr",
      { class: kind },
      el("th", { scope: "row" }, label, note && el("small", {}, note)),
      micro == null
        ? el("td", { class: "number muted" }, NO_PRICE)
        : el("td", { class: "number", title: exactMoney(micro) }, money(micro)),
    );
  const unused = whole ? `of which ${money(spend.rent_unused_micro_usd)} while they did not work` : "their share, by tokens";
  const verdict = net != null && net < 0 ? "More than the cloud alone" : "Saved";
  fill(
    place,
    el(
      "table",
      { class: "account" },
      el("caption", { class: "hidden-label" }, "Net cost"),
      el(
        "tbody",
        {},
        line("Bought", total.bought_micro_usd, "", "cloud charges, and what own GPUs cost per token"),
        line("Rent of the GPUs", rent, "", unused),
        line("Net cost", total.bought_micro_usd + rent, "sum"),
        line("In the cloud alone", alone, "", "all that could have gone there, bought"),
        line(verdict, net == null ? null : Math.abs(net), `sum ${net != null && net < 0 ? "worse" : "better"}`),
      ),
    ),
    spend.forecast && forecastOf(spend.forecast),
    stayed.requests > 0 &&
      el(
        "p",
        {},
        `${plural(stayed.requests, "request")} could not leave: ${count(stayed.tokens)} tokens, ${money(stayed.cost_micro_usd)} by the token, and ${money(stayed.rent_micro_usd)} of the rent.`,
      ),
    splitOf(total),
    el(
      "p",
      { class: "muted" },
      `${plural(total.errors, "error")}; ${count(total.estimated)} with estimated tokens; ${count(total.unsettled)} never settled. `,
    ),
  );
}

function forecastOf({
  day: last,
  bought_micro_usd: bought,
  rent_micro_usd: rent,
  cloud_alone_micro_usd: alone,
  net_micro_usd: net,
  net_low_micro_usd: low,
  net_high_micro_usd: high,
}) {
  const range = low == null ? "" : `, between ${money(low)} and ${money(high)} nine times in ten`;
  const verdict =
    net == null ? NO_PRICE : `${money(alone)} in the cloud alone; net ${net < 0 ? "" : "+"}${money(net)}${range}`;
  return el(
    "p",
    {},
    `By ${day(last)}, as the days so far went: about ${money(bought)} bought and ${money(rent)} of rent; ${verdict}.`,
  );
}

/** Own and bought tokens as two parts of a bar, with their names and numbers. */
function splitOf(total) {
  const all = total.local_tokens + total.cloud_tokens;
  const part = (kind, name, tokens) =>
    el(
      "p",
      { class: `part ${kind}` },
      el("span", { class: "swatch", "aria-hidden": "true" }),
      `${name} `,
      figure(`${count(tokens)} tokens`, exactCount(tokens)),
      all ? ` · ${percent(tokens / all, 0)}` : "",
    );
  return el(
    "div",
    { class: "split" },
    all > 0 &&
      el("progress", {
        max: all,
        value: total.local_tokens,
        "aria-label": "Share of tokens from own GPUs",
      }),
    part("local", "Own GPUs", total.local_tokens),
    part("cloud", "Cloud", total.cloud_tokens),
  );
}
