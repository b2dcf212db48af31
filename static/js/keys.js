// The keyboard: / filter, j k rows, x tick, o or Enter open, g and a letter for pages, ? help. Not while one types.

const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

const HELP = [
  ["/", "filter box"],
  ["j k", "next row, row before"],
  ["x", "tick the row"],
  ["o Enter", "open the row"],
  ["p", "show the row's data"],
  ["Esc", "out of a box, close this"],
  ["?", "this help"],
];

export default function listen(main) {
  const pages = new Map([...document.querySelectorAll("a[data-key]")].map((link) => [link.dataset.key, link]));
  let going = false;
  let at = null;

  const moveTo = (row) => {
    if (!row) return;
    if (at) delete at.dataset.at;
    at = row;
    at.dataset.at = "";
    at.querySelector("a")?.focus({ preventScroll: true });
    at.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const rows = [...main.querySelectorAll("[data-row]")];
    const index = rows.indexOf(at?.isConnected ? at : null);
    moveTo(rows[index < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, index + by))]);
  };

  const help = document.createElement("dialog");
  help.setAttribute("aria-label", "Keys");
  const list = document.createElement("dl");
  list.className = "facts";
  const named = [...pages].map(([key, link]) => [`g ${key}`, link.firstChild.textContent.trim()]);
  for (const [key, meaning] of [...HELP, ...named]) {
    const name = document.createElement("dt");
    const told = document.createElement("dd");
    const cap = document.createElement("kbd");
    cap.textContent = key;
    name.append(cap);
    told.textContent = meaning;
    list.append(name, told);
  }
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => help.close());
  help.append(list, close);
  main.append(help);

  const ACTIONS = {
    "/": () => [...document.querySelectorAll("[data-filter-box]")].pop()?.focus(),
    j: () => step(1),
    k: () => step(-1),
    x: () => at?.querySelector("input[type=checkbox]")?.click(),
    o: () => at?.querySelector("[data-open], a")?.click(),
    p: () => at?.querySelector("[data-peek-button]")?.click(),
    g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest?.(TYPING)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const page = going && pages.get(event.key);
    const act = page ? () => page.click() : ACTIONS[event.key];
    going = false;
    if (!act) return;
    event.preventDefault();
    act();
  });
}
