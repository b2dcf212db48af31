// Figures that change while one looks: the texts of the stream go where their keys stand.
//
// An element with `data-live="queues.fetch.waiting"` shows that text; an SVG curve has it as its points. One with
// `data-was` as well is a note, shown once the value is another than it was: nothing moves before that is asked for.

const POLL_MS = 5_000;

export default function (main) {
  const elements = new Map();
  for (const element of main.querySelectorAll("[data-live]")) {
    const key = element.dataset.live;
    elements.set(key, [...(elements.get(key) ?? []), element]);
  }
  const trouble = main.querySelector("[data-stream-trouble]");
  let source = null;
  let timer = null;

  const state = main.querySelector("[data-stream-state]");

  const tell = (text) => {
    if (trouble !== null) {
      trouble.hidden = text === "";
      trouble.querySelector("span").textContent = text;
    }
    if (state === null) return;
    state.classList.toggle("live", text === "");
    if (text === "") state.textContent = "live";
  };
  const take = (values) => {
    tell("");
    for (const [key, text] of Object.entries(values)) {
      for (const element of elements.get(key) ?? []) put(element, text);
    }
  };
  const takeEvent = (event) => take(JSON.parse(event.data));

  function open() {
    source = new EventSource(main.dataset.stream);
    source.addEventListener("overview", takeEvent);
    source.addEventListener("change", takeEvent);
    source.addEventListener("down", () => tell("the store does not answer; the figures are as they were"));
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) {
        tell("the server does not answer; trying again");
        return;
      }
      // All places to listen from are taken: look now and then instead.
      close();
      poll();
    });
  }

  async function poll() {
    try {
      const answer = await fetch(`${main.dataset.stream}/now`, { headers: { Accept: "application/json" } });
      if (answer.status === 401 || answer.status === 403) {
        tell("you may no longer look; load the page again");
        return;
      }
      if (!answer.ok) throw new Error(`${answer.status}`);
      take(await answer.json());
    } catch {
      tell("the server does not answer; trying again");
    }
    if (!document.hidden) timer = setTimeout(poll, POLL_MS);
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(timer);
    timer = null;
  }

  document.addEventListener("visibilitychange", () => {
    close();
    if (!document.hidden) open();
  });
  // A page that the browser keeps for "back" must not hold a place.
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => {
    if (event.persisted && !document.hidden) open();
  });
  if (!document.hidden) open();
}

function put(element, text) {
  if ("was" in element.dataset) {
    element.hidden = text === element.dataset.was;
    return;
  }
  const shown = text ?? "-";
  if (element instanceof SVGElement) {
    if (element.getAttribute("points") !== shown) element.setAttribute("points", text ?? "");
    return;
  }
  if (element.textContent === shown) return;
  element.textContent = shown;
  if (element.matches("a.zero, span.zero") && shown !== "0") element.classList.remove("zero");
  // A count that changes is seen; times change all the time.
  if (!/^[\d,]+$/.test(shown)) return;
  // Taken off and put on again, for it to be seen again.
  element.classList.remove("changed");
  requestAnimationFrame(() => element.classList.add("changed"));
}
