// Times in the zone of whoever looks: `data-ago` as how long ago, while that is short.

const SHORT = 48 * 3600;
const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const EVERY_MS = 10_000;

// Called again for what is put into the page later.
export function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) show(element);
}

function show(element) {
  const at = new Date(element.dateTime);
  const whole = WHOLE.format(at);
  if (element.title === "") element.title = `${whole} (${element.textContent.trim()} UTC)`;
  const shown = "ago" in element.dataset ? ago(at, whole) : whole;
  if (element.textContent !== shown) element.textContent = shown;
}

function ago(at, whole) {
  const seconds = (Date.now() - at) / 1000;
  const size = Math.abs(seconds);
  if (size >= SHORT) return whole;
  if (size < 1) return "now";
  const [unit, length] = UNITS.find(([, least]) => size >= least);
  const told = `${Math.floor(size / length)} ${unit}`;
  return seconds < 0 ? `in ${told}` : `${told} ago`;
}

export default function (root) {
  showTimes(root);
  setInterval(() => {
    if (!document.hidden) showTimes(root);
  }, EVERY_MS);
}
