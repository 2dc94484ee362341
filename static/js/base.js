// What every page has. Each part wires itself with listeners on the document, so parts that htmx brings in work too.
import "./menus.js";
import "./dialogs.js";
import "./tabs.js";
import "./forms.js";
import "./typed.js";
import "./server.js";
import { refresh } from "./times.js";
import { show } from "./toasts.js";
import "./palette.js";
import "./keys.js";

document.addEventListener(
  "click",
  (event) => {
    const choice = event.target.closest("[data-theme-choice]");
    if (choice) {
      window.sluiceTheme.choose(choice.dataset.themeChoice);
      markTheme();
    }
    const drawer = event.target.closest("[data-drawer]");
    if (drawer) setDrawer(!document.body.classList.contains("nav-open"));
    else if (!event.target.closest(".side")) setDrawer(false);
    const copied = event.target.closest("[data-copy]");
    if (copied) navigator.clipboard.writeText(copied.dataset.copy).then(() => show({ text: "Copied.", tone: "ok" }));
    const off = event.target.closest("[aria-disabled=true]");
    if (off) {
      event.preventDefault();
      event.stopPropagation();
      explain(off);
    }
  },
  true,
);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") setDrawer(false);
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-signs-out]")) sessionStorage.clear(); // what pages keep for a reload may hold values of the data
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});

// A file let go where none is taken would take the place of the page.
const isFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && !event.target.closest?.("input[type=file]");
addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!isFile(event) || event.defaultPrevented) return;
  event.preventDefault();
  const why = document.getElementById("no-upload")?.textContent.trim();
  show({ text: why || "No file is taken here. Drop it on Home, on Data, or on a page of Jobs.", tone: "warn" });
});

/** A control that is off says why, also to the keyboard: its description is shown as a toast. */
function explain(control) {
  const why = document.getElementById(control.getAttribute("aria-describedby") || "")?.textContent || control.title;
  if (why) show({ text: why.trim(), tone: "warn" });
}

function setDrawer(open) {
  const button = document.querySelector("[data-drawer]");
  const was = document.body.classList.contains("nav-open");
  if (!button || was === open) return;
  document.body.classList.toggle("nav-open", open);
  button.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector(".side a")?.focus();
  else button.focus();
}

function markTheme() {
  for (const button of document.querySelectorAll("[data-theme-choice]"))
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === window.sluiceTheme.choice()));
}

markTheme();
refresh();
