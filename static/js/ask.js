// Asks before a form is sent that destroys something.

export default function (form) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.ask)) event.preventDefault();
  });
}
