// The theme: the system's, or the one that was chosen, which this browser remembers.

const KEY = "qless-theme";
const THEMES = ["system", "light", "dark"];

export function theme() {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system"; // Storage may be forbidden.
  }
}

function apply(chosen) {
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

export default function (button) {
  const tell = () => {
    button.title = `Theme: ${theme()}`;
    button.querySelector("span").textContent = button.title;
  };
  button.hidden = false;
  tell();
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, next);
    } catch {
      return;
    }
    apply(next);
    tell();
  });
  addEventListener("storage", () => {
    apply(theme());
    tell();
  });
}

apply(theme());
