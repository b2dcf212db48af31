// Rows that are ticked: a range with Shift, all on the page, how many; and what is done to them is asked about.

export default function watchRows(rows) {
  const boxes = [...rows.querySelectorAll("tbody input[type=checkbox]")];
  if (boxes.length === 0) return;
  const { form } = boxes[0];
  const told = form.querySelector("[data-ticked]");
  let last = null;

  const tell = () => {
    const ticked = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr").setAttribute("aria-selected", box.checked);
    told.textContent = ticked.length ? `${ticked.length} ticked:` : "Tick jobs, then";
    all.checked = ticked.length === boxes.length;
    all.indeterminate = ticked.length > 0 && !all.checked;
  };

  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "All on this page");
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  rows.querySelector("thead th").append(all);

  for (const [index, box] of boxes.entries()) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last !== null) {
        const [from, to] = [last, index].sort((one, other) => one - other);
        for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
      }
      last = index;
      tell();
    });
  }

  const action = form.querySelector("select[name=action]");
  const value = form.querySelector("input[name=value]");
  const fit = () => {
    const takes = action.selectedOptions[0].dataset.takes;
    value.hidden = !takes;
    value.placeholder = takes ?? "";
  };
  action.addEventListener("change", fit);
  fit();

  form.addEventListener("submit", (event) => {
    if (event.submitter?.name === "all") return;
    const chosen = action.selectedOptions[0];
    const count = boxes.filter((box) => box.checked).length;
    if ("destroys" in chosen.dataset && count && !confirm(`${chosen.textContent}: ${count} jobs?`)) event.preventDefault();
  });
  tell();
}
