// Starts the widgets whose elements are on the page. Each is a module whose default function takes one element.

const WIDGETS = {
  "[data-theme-switch]": "./theme.js",
  ".qless main:has(time)": "./times.js",
  "[data-stream]:has([data-live])": "./live.js",
  "form[data-ask]": "./ask.js",
  "[data-menu]": "./menu.js",
  "[data-copy]": "./copy.js",
  "[data-news]": "./news.js",
  "[data-filter-box]": "./filter.js",
  "[data-rows]": "./rows.js",
  "[data-chart]": "./charts.js",
  "[data-peek]": "./peek.js",
  "form[data-change]": "./progress.js",
  ".qless main": "./keys.js",
};

for (const [selector, path] of Object.entries(WIDGETS)) {
  const elements = document.querySelectorAll(selector);
  if (elements.length === 0) continue;
  import(path).then(
    ({ default: start }) => elements.forEach((element) => start(element)),
    (error) => console.error(`${path} could not be loaded`, error),
  );
}
