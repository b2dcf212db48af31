// Completes the word under the cursor of the filter box: the list below it holds whole texts, as a browser wants them.

export default function suggest(box) {
  if (!box.dataset.suggest || !box.list) return;
  let asked = 0;
  box.addEventListener("input", async () => {
    const number = ++asked;
    const address = new URL(box.dataset.suggest, location.href);
    address.searchParams.set("text", box.value);
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok || number !== asked) return;
    const texts = (await answer.text()).split("\n").filter(Boolean);
    box.list.replaceChildren(...texts.map((text) => new Option(text, text)));
  });
}
