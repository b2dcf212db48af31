// Tells how many events have come since the page was made; they are shown when asked for, so that no row moves.

const EVERY = 3000;

export default function (message) {
  const most = Number(message.dataset.most);
  const look = async () => {
    if (!document.hidden) {
      const answer = await fetch(message.dataset.news, { headers: { Accept: "application/json" } }).catch(() => null);
      if (answer?.ok) tell(message, (await answer.json()).events.length, most);
    }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
}

function tell(message, count, most) {
  const said = `${count}${count >= most ? " or more" : ""} new`;
  if (count === 0 || message.firstElementChild.textContent === said) return;
  message.firstElementChild.textContent = said;
  message.hidden = false;
}
