// Charts of the columns of a table on the page, drawn by uPlot; what is marked in one leads to the jobs of that range.
//
// `data-chart` names the table, `data-columns` those of its columns that are drawn. A row begins and ends at the Unix
// seconds of its `data-begins` and `data-ends`.

import uPlot from "../node_modules/uplot/dist/uPlot.esm.js";

const HEIGHT = 240;
const DAY = 86400;
// Curves are told apart by more than their colours.
const DASHES = { p95: [6, 3], p99: [2, 3], popped: [6, 3], retried: [2, 3], lost: [8, 3, 2, 3] };
// What axes go by: as people count times, and no halves of jobs.
const LENGTHS = [
  ...[-3, -2, -1].flatMap((power) => [1, 2, 5].map((times) => times * 10 ** power)),
  ...[1, 60].flatMap((unit) => [1, 2, 5, 10, 20, 30].map((times) => times * unit)),
  ...[1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 720, 1440, 4320].map((hours) => hours * 3600),
];
const WHOLE = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((times) => times * 10 ** power)).flat();
const UNITS = [[DAY, "d"], [3600, "h"], [60, "min"], [1, "s"], [0.001, "ms"]];

export default function draw(box) {
  const table = document.getElementById(box.dataset.chart);
  const rows = [...table.tBodies[0].rows].filter((row) => row.querySelector("[colspan]") === null);
  if (rows.length === 0) return;
  addStyle();
  box.replaceChildren();
  const columns = box.dataset.columns.split(" ").map((name) => read(table, rows, name));
  const legend = document.createElement("div");
  legend.className = "legend row";
  const begins = rows.map((row) => Number(row.dataset.begins));
  // Days are those of UTC; all else is shown in the zone of whoever looks.
  const zone = begins.every((at) => at % DAY === 0) ? "UTC" : undefined;
  const [shown, incrs] = box.dataset.kind === "seconds" ? [showSeconds, LENGTHS] : [showCount, WHOLE];
  const colour = (name) => () => resolved(box, name);

  const plot = new uPlot({
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    tzDate: (at) => (zone ? uPlot.tzDate(new Date(at * 1000), "Etc/UTC") : new Date(at * 1000)),
    cursor: { drag: { setScale: false } },
    scales: {
      // A row lasts until its end: the last one has room to be marked as well.
      x: { range: () => [begins[0], Number(rows.at(-1).dataset.ends)] },
      y: { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] },
    },
    axes: [
      { ...axis(colour), values: (_, times, __, ___, step) => times.map((at) => showTime(at, step, zone)) },
      { ...axis(colour), size: 70, incrs, values: (_, values) => values.map(shown) },
    ],
    series: [
      {},
      ...columns.map(({ name, label }) => ({
        label,
        stroke: colour(name),
        width: 1.75,
        dash: DASHES[name.split("-").at(-1)],
        points: { show: rows.length < 40, size: 5 },
      })),
    ],
    hooks: {
      setCursor: [(drawn) => showValues(drawn, legend, shown, zone)],
      setSelect: [(drawn) => drawn.select.width > 0 && mark(drawn, box, rows)],
    },
  }, [begins, ...columns.map(({ values }) => values)], box);

  legend.append(...columns.map((column, index) => entry(plot, column, index + 1)), moment());
  box.append(legend);
  // The whole is read aloud as the table below it.
  plot.root.setAttribute("aria-hidden", "true");
  new ResizeObserver(() => {
    if (box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: HEIGHT });
  }).observe(box);
  for (const hint of box.closest("section").querySelectorAll("[data-how]")) hint.hidden = false;
  const again = () => plot.redraw(false);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}

function addStyle() {
  const address = new URL("../node_modules/uplot/dist/uPlot.min.css", import.meta.url).href;
  if (document.querySelector(`link[href="${address}"]`) !== null) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  document.head.append(link);
}

function read(table, rows, name) {
  const head = table.querySelector(`[data-column="${name}"]`);
  const values = rows.map((row) => {
    const cell = row.cells[head.cellIndex];
    const text = cell.querySelector("data")?.value ?? cell.textContent.replaceAll(",", "");
    return text === "" ? null : Number(text);
  });
  return { name, label: head.textContent, values };
}

function axis(colour) {
  const line = { stroke: colour("line"), width: 1 };
  return { stroke: colour("faint"), grid: line, ticks: line, font: "12px system-ui, sans-serif" };
}

// A canvas knows no custom properties: an element is asked for the colour that one comes to.
function resolved(box, name) {
  const probe = box.appendChild(document.createElement("i"));
  probe.className = `curve-${name}`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function entry(plot, { name, label }, index) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "little quiet";
  button.setAttribute("aria-pressed", "true");
  const sign = document.createElement("i");
  sign.className = `sign curve-${name}`;
  const value = document.createElement("span");
  value.className = "faint";
  button.append(sign, label, value);
  button.addEventListener("click", () => {
    const show = !plot.series[index].show;
    plot.setSeries(index, { show });
    button.setAttribute("aria-pressed", String(show));
  });
  return button;
}

function moment() {
  const shown = document.createElement("span");
  shown.className = "faint small push";
  return shown;
}

function showValues(plot, legend, shown, zone) {
  const at = plot.cursor.idx;
  [...legend.querySelectorAll("button span")].forEach((element, index) => {
    const value = at == null ? null : plot.data[index + 1][at];
    element.textContent = value == null ? "" : shown(value);
  });
  const last = legend.lastElementChild;
  if (last !== null) last.textContent = at == null ? "" : showTime(plot.data[0][at], zone ? DAY : 0, zone);
}

function mark(plot, box, rows) {
  const { left, width } = plot.select;
  const since = whole(rows, plot.posToVal(left, "x"), "begins");
  const until = Math.max(whole(rows, plot.posToVal(left + width, "x"), "ends"), since + 60);
  const section = box.closest("section");
  for (const link of section.querySelectorAll("[data-range] a")) lead(link, since, until);
  const text = `${showTime(since, 0)} to ${showTime(until, 0)}`;
  section.querySelector("[data-range-shown]").textContent = text;
}

// Grows a range to whole rows.
function whole(rows, at, edge) {
  const row = rows.findLast((each) => Number(each.dataset.begins) <= at) ?? rows[0];
  return Number(row.dataset[edge]);
}

function lead(link, since, until) {
  const address = new URL(link.href);
  const [from, to] = [since, until].map((at) => new Date(at * 1000).toISOString().replace(/:00\.000Z$/, "Z"));
  if ("zoom" in link.dataset) {
    address.searchParams.delete("last");
    address.searchParams.set("since", from);
    address.searchParams.set("until", to);
    link.hidden = false;
  } else {
    const filter = address.searchParams.get("filter").replace(/since:\S+ until:\S+$/, `since:${from} until:${to}`);
    address.searchParams.set("filter", filter);
  }
  link.href = address.href;
}

function showTime(at, step, zone) {
  const time = new Date(at * 1000);
  const day = { month: "short", day: "numeric", timeZone: zone };
  const hour = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone };
  if (step >= DAY) return time.toLocaleDateString(undefined, day);
  const hours = time.toLocaleTimeString(undefined, hour);
  return step > 0 && hours !== "00:00" ? hours : time.toLocaleString(undefined, step > 0 ? day : { ...day, ...hour });
}

function showCount(count) {
  return count.toLocaleString("en");
}

function showSeconds(seconds) {
  if (seconds === 0) return "0";
  const [length, unit] = UNITS.find(([least]) => seconds >= least) ?? UNITS.at(-1);
  return `${Number((seconds / length).toPrecision(3))} ${unit}`;
}
