// Changes all jobs that match, step by step, and shows how far it is; it can be stopped between two steps.

export default function change(form) {
  form.addEventListener("submit", async (event) => {
    if (!form.reportValidity()) return;
    event.preventDefault();
    const sent = new FormData(form);
    const total = Number(sent.get("count"));
    const told = document.createElement("p");
    const bar = document.createElement("progress");
    const stop = document.createElement("button");
    let stopped = false;
    told.setAttribute("role", "status");
    bar.max = total;
    bar.value = 0;
    bar.setAttribute("aria-label", "Jobs done");
    stop.type = "button";
    stop.textContent = "Stop";
    stop.addEventListener("click", () => { stopped = true; });
    form.replaceChildren(told, bar, stop);

    let matched = 0;
    let changed = 0;
    const tell = (end) => { told.textContent = `${changed.toLocaleString()} changed, of ${matched.toLocaleString()} that matched. ${end}`; };
    tell("");
    while (true) {
      const answer = await fetch(form.action, { method: "POST", body: sent, headers: { Accept: "application/json" } }).catch(() => null);
      const step = await answer?.json().catch(() => null);
      if (!answer?.ok || !step) {
        tell(`Then it could not go on: ${step?.detail ?? "the server does not answer"}.`);
        break;
      }
      matched += step.matched;
      changed += step.changed;
      bar.value = Math.min(matched, total);
      if (step.next === null) {
        bar.value = total;
        tell("That was all.");
        break;
      }
      if (stopped) {
        tell("Stopped: the others are as they were.");
        break;
      }
      tell("");
      sent.set("cursor", step.next);
    }
    stop.remove();
  });
}
