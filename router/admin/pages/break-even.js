// Break-even: is the GPU worth its rent?

import { ask } from "{{api.js}}";
import { chart } from "{{chart.js}}";
import { el, failed, figure, fill, find, withCode } from "{{dom.js}}";
import { count, dollars, exactCount, percent, rate } from "{{format.js}}";
import { shell, throttled } from "{{shell.js}}";

const REFRESH_MS = 4000;
const BANDS = {
  above: "Above the threshold: own GPUs are preferred.",
  hysteresis: "Just below the threshold, not far enough to switch back.",
  below: "Below the threshold: the cloud is preferred.",
};
const STRATEGIES = {
  threshold: "a threshold of tokens a day",
  breakeven: "the computed break-even",
  cheapest: "whatever is cheapest",
  local_first: "own GPUs first",
  cloud_first: "the cloud first",
};

const costChart = chart(find("#lines"), { title: "Cost a day by volume" });

async function load() {
  try {
    show(await ask("/api/breakeven"));
  } catch (error) {
    fill(find("#sentence"), failed(error, load));
  }
  for (const busy of document.querySelectorAll("[aria-busy]")) busy.setAttribute("aria-busy", "false");
}

function show(answer) {
  find("#sentence").textContent = answer.sentence;
  fill(find("#past-gpu"), withCode(answer.past_gpu));
  showTiles(answer);
  showRoad(answer);
  showLines(answer);
  showTerms(answer);
}

function showTiles(answer) {
  const tile = (label, amount, note, title) =>
    el(
      "li",
      { class: "tile" },
      el("span", { class: "label" }, label),
      el("span", { class: "amount", title: title || null }, amount),
      el("span", { class: "muted" }, note),
    );
  const tokens = (label, number, note) => tile(label, count(number), note, exactCount(number));
  const even = answer.break_even_tokens_per_day;
  fill(
    find("#tiles"),
    tile("Fixed cost of the GPUs", dollars(answer.fixed_usd_per_day), "a day, used or not"),
    tokens("Today's volume", answer.today_tokens, "tokens since midnight"),
    tokens("Last 24 hours", answer.trailing_tokens, "tokens that either side could serve"),
    even == null
      ? tile("Break-even", "never", "the cloud costs no more per token")
      : tokens(
          "Break-even",
          even,
          answer.reachable ? "tokens a day" : "tokens a day: more than the GPUs can serve",
        ),
    tile(
      "Load",
      percent(answer.load),
      answer.load == null
        ? "the policy does not say what the GPUs can serve"
        : `of ${count(answer.capacity_tokens_per_day)} tokens a day`,
    ),
  );
}

/** How far the volume is along the way to the break-even, and to what the GPUs can serve. */
function showRoad(answer) {
  const { trailing_tokens: volume, break_even_tokens_per_day: even, capacity_tokens_per_day: capacity } = answer;
  const way = (label, whole) =>
    whole &&
    el(
      "div",
      { class: "stack" },
      el(
        "p",
        {},
        `${percent(volume / whole, volume < whole ? 1 : 0)} of ${label} `,
        figure(`(${count(whole)} tokens a day)`, exactCount(whole)),
      ),
      el("progress", {
        max: whole,
        value: Math.min(volume, whole),
        "aria-label": `The last 24 hours' volume as a share of ${label}`,
      }),
    );
  const strategy = `The policy goes by ${STRATEGIES[answer.strategy] ?? answer.strategy}`;
  fill(
    find("#road"),
    way("the break-even", even),
    way("what the GPUs can serve", capacity),
    way("the threshold", answer.threshold_tokens_per_day),
    el(
      "p",
      { class: "muted" },
      `${strategy}, and looks at ${count(answer.window_tokens)} tokens (${answer.window.replaceAll("_", " ")}). ${BANDS[answer.band] ?? ""}`,
    ),
  );
}

function showLines(answer) {
  const {
    fixed_usd_per_day: fixed,
    local_usd_per_million: local,
    cloud_usd_per_million: cloud,
    break_even_tokens_per_day: even,
    trailing_tokens: volume,
  } = answer;
  const end =
    1.6 * Math.max(volume, Math.min(even ?? 0, 1e13), answer.threshold_tokens_per_day ?? 0) ||
    answer.capacity_tokens_per_day ||
    1e6;
  const x = Array.from({ length: 9 }, (_, step) => (end * step) / 8);
  const gpu = (tokens) => fixed + (tokens * local) / 1e6;
  const bought = (tokens) => (tokens * (cloud ?? 0)) / 1e6;
  const words =
    cloud == null
      ? "No model is served by both sides, so there is nothing to compare."
      : `At the last 24 hours' volume the GPUs cost ${dollars(answer.gpu_usd_per_day)} a day and the cloud ${dollars(answer.cloud_usd_per_day)}.`;
  const top = Math.max(gpu(end), bought(end)) * 1.05;
  const upright = (at, name, color, dash) => ({
    type: "scatter",
    mode: "lines",
    name,
    x: [at, at],
    y: [0, top],
    line: { color, dash, width: 2 },
    hoverinfo: "skip",
  });
  costChart.show({
    words,
    traces: (colours) =>
      [
        {
          type: "scatter",
          mode: "lines",
          name: "Own GPUs",
          x,
          y: x.map(gpu),
          line: { color: colours.local, width: 3 },
          hovertemplate: "$%{y:,.2f}",
        },
        cloud != null && {
          type: "scatter",
          mode: "lines",
          name: "Cloud",
          x,
          y: x.map(bought),
          line: { color: colours.cloud, width: 3, dash: "dash" },
          hovertemplate: "$%{y:,.2f}",
        },
        upright(volume, `Last 24 hours, ${count(volume)}`, colours.ink, "solid"),
        even != null && upright(even, `Break-even, ${count(even)}`, colours.accent, "dot"),
        answer.threshold_tokens_per_day != null &&
          upright(
            answer.threshold_tokens_per_day,
            `Threshold, ${count(answer.threshold_tokens_per_day)}`,
            colours.soft,
            "dashdot",
          ),
      ].filter(Boolean),
    layout: () => ({
      xaxis: { tickformat: "~s", range: [0, end], title: { text: "tokens a day" } },
      yaxis: { tickprefix: "$", exponentformat: "none", range: [0, top], title: { text: "USD a day" } },
    }),
    rows: x.map((tokens) => ({ tokens, gpu: gpu(tokens), cloud: cloud == null ? null : bought(tokens) })),
    columns: [
      {
        key: "tokens",
        label: "Tokens a day",
        value: (row) => row.tokens,
        show: (row) => exactCount(row.tokens),
        number: true,
        head: true,
      },
      {
        key: "gpu",
        label: "Own GPUs",
        value: (row) => row.gpu,
        show: (row) => dollars(row.gpu),
        number: true,
      },
      {
        key: "cloud",
        label: "Cloud",
        value: (row) => row.cloud,
        show: (row) => dollars(row.cloud),
        number: true,
      },
    ],
  });
}

function showTerms(answer) {
  const value = ({ value: number, unit, symbol }) => {
    if (number == null) return "–";
    if (unit.startsWith("USD")) return unit.includes("million") ? rate(number) : dollars(number);
    return symbol.startsWith("share") ? percent(number, 2) : count(number);
  };
  const rows = answer.terms.map((term) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", class: "sign" }, term.symbol),
      el("td", {}, term.name, term.unit && el("small", {}, term.unit)),
      el("td", { class: "number", title: term.value ?? null }, value(term)),
    ),
  );
  const head = ["Sign", "Meaning", "Value"].map((name, at) =>
    el("th", { scope: "col", class: `plain ${at === 2 ? "number" : ""}` }, name),
  );
  fill(
    find("#terms"),
    el("p", { class: "formula" }, answer.formula),
    el(
      "div",
      { class: "scroll", role: "region", "aria-label": "Terms of the formula (table)", tabindex: "0" },
      el(
        "table",
        {},
        el("caption", { class: "hidden-label" }, "Terms of the formula"),
        el("thead", {}, el("tr", {}, head)),
        el("tbody", {}, rows),
      ),
    ),
    el(
      "p",
      { class: "muted" },
      answer.mix_is_assumed
        ? "There is too little traffic to tell the mix of tokens: the policy's is assumed."
        : "The mix of tokens is that of the real traffic.",
      answer.price_is_assumed
        ? " The cloud's price is that of its cheapest route."
        : " The cloud's price is that of the requests of the last 24 hours, each at its own cheapest permitted route.",
    ),
  );
}

const refresh = throttled(() => load(), REFRESH_MS);
let counted = null;

load();
await shell({
  again: refresh,
  totals({ total }) {
    if (counted !== null && counted !== total.requests) refresh();
    counted = total.requests;
  },
});
