// A menu closes at Escape, and when something else is clicked or reached.

export default function (menu) {
  const leave = (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  };
  document.addEventListener("click", leave);
  document.addEventListener("focusin", leave);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
