// The account: what was paid, and what the cloud alone would have charged.

import { el, figure, fill } from "{{dom.js}}";
import { count, day, exactCount, exactMoney, money, percent, plural } from "{{format.js}}";

/** What goes into `place`: requests and rent against the cloud alone. */
export function showAccount(place, spend) {
  const { total, rent_micro_usd: rent, net_saved_micro_usd: net } = spend;
  const saved = net ?? total.avoided_micro_usd;
  const line = (label, micro, kind = "", note = "") =>
    el(
      "tr",
      { class: kind },
      el("th", { scope: "row" }, label, note && el("small", {}, note)),
      el("td", { class: "number", title: exactMoney(micro) }, money(micro)),
    );
  const verdict = rent == null ? "Saved, before rent" : saved < 0 ? "More than the cloud alone" : "Saved";
  fill(
    place,
    el(
      "table",
      { class: "account" },
      el("caption", { class: "hidden-label" }, "The account"),
      el(
        "tbody",
        {},
        line("Requests", total.cost_micro_usd, "", "cloud charges, and what own GPUs cost per token"),
        rent == null ? null : line("Rent of the GPUs", rent, "", "since the first day with traffic"),
        rent == null ? null : line("Together", total.cost_micro_usd + rent, "sum"),
        line("In the cloud alone", total.cloud_only_micro_usd, "", "the same requests, bought"),
        line(verdict, rent != null && saved < 0 ? -saved : saved, `sum ${saved < 0 ? "worse" : "better"}`),
      ),
    ),
    spend.forecast && forecastOf(spend.forecast),
    rent == null &&
      el("p", { class: "muted" }, "Rent is not divided among teams, models and keys: clear the filters to see it."),
    splitOf(total),
    el(
      "p",
      { class: "muted" },
      `${plural(total.errors, "error")}; ${count(total.estimated)} with estimated tokens; ${count(total.unsettled)} never settled. `,
      el(
        "span",
        { title: exactMoney(total.counterfactual_micro_usd) },
        `Had each request gone to the other side: ${money(total.counterfactual_micro_usd)}.`,
      ),
    ),
  );
}

function forecastOf({
  day: last,
  cost_micro_usd: cost,
  cloud_only_micro_usd: cloud,
  net_saved_micro_usd: saved,
  formula,
}) {
  const verdict =
    saved == null
      ? ""
      : `; with the month's rent that is ${money(Math.abs(saved))} ${saved < 0 ? "more than the cloud alone" : "saved"}`;
  return el(
    "p",
    { title: formula },
    `By ${day(last)}, at this pace: about ${money(cost)} for requests, ${money(cloud)} in the cloud alone${verdict}.`,
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
