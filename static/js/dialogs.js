// Native <dialog>: opened by data-opens="<id>", closed by data-closes, Esc, or a click on the veil.
export function open(id) {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
  return dialog;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener && opener.getAttribute("aria-disabled") !== "true") open(opener.dataset.opens);
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  if (event.target.matches("dialog[open]") && isOutside(event)) event.target.close();
});

function isOutside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/** Asks in a dialog of our own instead of confirm(). Resolves to true or false. */
export function ask({ title, text, yes = "Yes", no = "Keep as it is", danger = false }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  const part = (tag, className, content) => Object.assign(document.createElement(tag), { className, textContent: content });
  const header = part("header", "", "");
  header.append(part("h2", "", title));
  const body = part("div", "in", "");
  body.append(part("p", "", text));
  const footer = part("footer", "", "");
  const keep = part("button", "btn", no);
  const agree = part("button", danger ? "btn danger" : "btn primary", yes);
  footer.append(keep, agree);
  dialog.append(header, body, footer);
  dialog.setAttribute("aria-label", title);
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = false;
    keep.addEventListener("click", () => dialog.close());
    agree.addEventListener("click", () => {
      answer = true;
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.showModal();
    (danger ? keep : agree).focus();
  });
}

// <form data-ask="Cancel the run?" data-ask-text="…" data-ask-yes="Cancel run"> asks first; data-ask-danger marks it.
document.addEventListener(
  "submit",
  (event) => {
    const { ask: title, askText = "", askYes, askDanger } = event.target.dataset;
    if (!title || event.target.dataset.asked) return;
    event.preventDefault();
    event.stopPropagation();
    const form = event.target;
    ask({ title, text: askText, yes: askYes, danger: askDanger !== undefined }).then((agreed) => {
      if (!agreed) return;
      form.dataset.asked = "yes";
      form.requestSubmit(event.submitter);
      delete form.dataset.asked;
    });
  },
  true,
);
