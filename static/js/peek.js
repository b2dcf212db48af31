// Opens a row in place: the beginning of the job's data is fetched then, and only then.

export default function offerPeek(link) {
  const row = link.closest("tr");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet little";
  button.dataset.peekButton = "";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-label", `Data of ${link.textContent}`);
  button.textContent = "▸";
  let opened = null;

  button.addEventListener("click", async () => {
    if (opened) {
      opened.remove();
      opened = null;
    } else {
      const cell = document.createElement("td");
      cell.colSpan = row.cells.length;
      const code = document.createElement("code");
      code.className = "wrap";
      code.textContent = "…";
      cell.append(code);
      opened = document.createElement("tr");
      opened.append(cell);
      row.after(opened);
      const answer = await fetch(link.dataset.peek).catch(() => null);
      code.textContent = answer?.ok ? (await answer.text()) || "no data" : "It cannot be read now.";
    }
    button.setAttribute("aria-expanded", String(opened !== null));
    button.textContent = opened ? "▾" : "▸";
  });
  link.before(button);
}
