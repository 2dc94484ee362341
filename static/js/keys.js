// Keys that work everywhere: Ctrl+K palette, ? list of keys, / search, g then a place's letter.
import { open } from "./dialogs.js";
import { openPalette } from "./palette.js";

const typing = (target) => target.closest("input, textarea, select, [contenteditable=true], .cm-editor");
let leader = 0;

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") {
    event.preventDefault();
    open("shortcuts");
    return;
  }
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  if (event.key === "g") {
    leader = Date.now();
    return;
  }
  if (Date.now() - leader < 1500) go(event.key.toLowerCase());
  leader = 0;
});

function go(letter) {
  const place = document.querySelector(`.side a[data-letter="${CSS.escape(letter)}"]`);
  if (place) location.assign(place.href);
}
