// A form is sent once: a second click while the answer is on its way would do the thing twice.
const GIVE_UP_MS = 15000;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => sendable(form), GIVE_UP_MS);
});

// A page that comes back by the browser's Back button can be used again.
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(sendable));

function sendable(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
}
