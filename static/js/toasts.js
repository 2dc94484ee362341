// Short words at the corner. Untrusted text is only ever put in as text.
const ICONS = { ok: "circle-check", warn: "alert-triangle", bad: "alert-circle", info: "info-circle" };
const LASTS = { ok: 5000, info: 6000, warn: 9000 };

/**
 * Shows a toast and gives back a function that takes it away.
 * tone: ok, info, warn or bad (bad stays until dismissed); undo: called once when “Undo” is pressed; lasts: milliseconds.
 */
export function show({ text, tone = "info", undo = null, lasts = LASTS[tone] }) {
  const toast = document.createElement("div");
  toast.className = `toast ${tone}`;
  const icon = document.createElement("i");
  icon.className = `ti ti-${ICONS[tone] ?? ICONS.info}`;
  icon.setAttribute("aria-hidden", "true");
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(icon, words);
  if (undo) toast.append(undoButton(toast, undo));
  toast.append(dismissButton());
  host().append(toast);
  raise();
  if (lasts) fade(toast, lasts);
  return () => toast.remove();
}

function host() {
  return (
    document.getElementById("toasts") ??
    document.body.appendChild(Object.assign(document.createElement("div"), { id: "toasts", className: "toasts" }))
  );
}

/** A modal dialog covers everything but the top layer; a manual popover puts the toasts there too. */
export function raise() {
  const box = host();
  if (!box.showPopover) return;
  box.setAttribute("popover", "manual");
  if (box.matches(":popover-open")) box.hidePopover();
  box.showPopover();
}

function undoButton(toast, undo) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn sm", textContent: "Undo" });
  button.addEventListener(
    "click",
    () => {
      toast.remove();
      undo();
    },
    { once: true },
  );
  return button;
}

function dismissButton() {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button" });
  button.setAttribute("aria-label", "Dismiss");
  button.dataset.dismiss = "";
  const cross = document.createElement("i");
  cross.className = "ti ti-x";
  cross.setAttribute("aria-hidden", "true");
  button.append(cross);
  return button;
}

/** Goes after a while, but never under the reader's pointer or focus. */
function fade(toast, lasts) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) fade(toast, 2000);
    else toast.remove();
  }, lasts);
}

document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast, .notice, .banner")?.remove());
for (const toast of document.querySelectorAll(".toasts .toast:not(.bad)")) fade(toast, 8000);
