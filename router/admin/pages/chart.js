// Charts by Plotly, whose script is large: it is asked for once a chart is in sight, after the numbers are shown.

import { el, fill } from "{{dom.js}}";
import { table } from "{{table.js}}";

const SCRIPT = "{{plotly.min.js}}";
const STYLES = "{{plotly.css}}";
// Plotly puts its style rules into the sheet of an element of this name. It makes a `<style>` when there is none, which
// the Content-Security-Policy forbids, while rules may be added to a sheet of our own.
const RULES = "plotly.js-style-global";
// The styles of its maps, which are not used here, are a `<style>` too, left out when an element of this name is there.
const MAPS = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";

let library;
const plotly = () => (library ??= styled().then(loaded));

function styled() {
  const sheet = el("link", { id: RULES, rel: "stylesheet", href: STYLES });
  document.head.append(sheet, el("meta", { id: MAPS }));
  return settled(sheet);
}

async function loaded() {
  const script = el("script", { src: SCRIPT });
  document.head.append(script);
  await settled(script);
  return window.Plotly;
}

const settled = (node) =>
  new Promise((resolve, reject) => {
    node.addEventListener("load", resolve);
    node.addEventListener("error", () => reject(new Error("The chart's script could not be loaded.")));
  });

/**
 * A chart in `place`, with what it shows in words and as a table. `show({traces, layout, words, columns, rows})`;
 * `traces` and `layout` get the colours of the theme.
 */
export function chart(place, { title }) {
  const plot = el("div", { class: "plot", role: "img", "aria-label": title }, el("p", { class: "waiting" }));
  const words = el("figcaption");
  const list = el("div");
  const more = el("details", { hidden: true }, el("summary", {}, "Show as a table"), list);
  fill(place, words, plot, more);
  let shown = null;
  let rows = null;

  const inSight = new Promise((resolve) => {
    new IntersectionObserver(
      (entries, observer) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        resolve();
      },
      { rootMargin: "200px" },
    ).observe(plot);
  });

  async function draw() {
    await inSight;
    // Its script and the drawing hold up everything for as long as they take: what is there by now is to be seen before.
    await painted();
    try {
      const library = await plotly();
      await painted();
      const colours = theme();
      waitingIn(plot)?.remove();
      await library.react(plot, shown.traces(colours), layoutOf(shown.layout(colours), colours), {
        displayModeBar: false,
        responsive: true,
      });
      plot.dataset.drawn = "true";
    } catch (error) {
      fill(plot, el("p", { class: "waiting" }, `${error.message} The table below has the numbers.`));
    }
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && draw());
  document.addEventListener("theme", () => shown && draw());
  more.addEventListener("toggle", () => more.open && shown && rows.show(shown.rows));

  return {
    show(found) {
      shown = found;
      more.hidden = false;
      if (waitingIn(plot)) waitingIn(plot).textContent = "Drawing…";
      fill(words, found.words);
      plot.setAttribute("aria-label", `${title}. ${found.words}`);
      rows ??= table(list, {
        caption: title,
        columns: found.columns,
        csv: title.toLowerCase().replaceAll(/\W+/g, "-"),
      });
      if (more.open) rows.show(found.rows);
      draw();
    },
    /** There is nothing to draw now. What was drawn stays. */
    none() {
      if (waitingIn(plot)) waitingIn(plot).textContent = "Not known now";
    },
  };
}

const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

const waitingIn = (plot) => plot.querySelector(".waiting");

/** The page's colours, by name. A name's own value is one for each theme: what has it as its colour has the one. */
function theme() {
  const painted = document.body.appendChild(el("span", { hidden: true }));
  const named = (name) => {
    painted.style.color = `var(--${name})`;
    return getComputedStyle(painted).color;
  };
  const colours = Object.fromEntries(
    ["ink", "soft", "line", "surface", "local", "cloud", "accent", "bad"].map((name) => [name, named(name)]),
  );
  painted.remove();
  return colours;
}

function layoutOf(layout, colours) {
  const axis = {
    gridcolor: colours.line,
    zerolinecolor: colours.line,
    linecolor: colours.line,
    automargin: true,
    fixedrange: true,
  };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 12, color: colours.ink },
    margin: { l: 8, r: 8, t: 8, b: 8 },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colours.surface, bordercolor: colours.line, font: { color: colours.ink } },
    legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.02, yanchor: "bottom", xanchor: "left" },
    dragmode: false,
    ...layout,
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, rangemode: "tozero", ...layout.yaxis },
  };
}
