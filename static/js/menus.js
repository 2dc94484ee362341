// <details class="menu">: one open at a time, closed by Esc, by a click outside and by leaving it; arrows go through the items.
const items = (menu) => [...menu.querySelectorAll(".menu-items a, .menu-items button, .menu-items input")];

function closeOthers(kept) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== kept) menu.open = false;
}

document.addEventListener("click", (event) => {
  const menu = event.target.closest("details.menu");
  closeOthers(menu);
  if (menu && event.target.closest(".menu-items a, .menu-items button")) menu.open = false;
});

document.addEventListener("focusin", (event) => closeOthers(event.target.closest("details.menu")));

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest("details.menu");
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.target.matches("input, textarea, select")) return;
  event.preventDefault();
  menu.open = true;
  const all = items(menu);
  all[(all.indexOf(document.activeElement) + step + all.length) % all.length]?.focus();
});
