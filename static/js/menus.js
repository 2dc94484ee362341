// <details class="menu">: one open at a time, closed by Esc, by a click outside and by leaving it; arrows go through the items.
// On a narrow screen an open menu moves sideways as far as it must to be seen whole.
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

const EDGE = 8;

function bringIntoView(menu) {
  const list = menu.querySelector(".menu-items");
  if (!list) return;
  list.style.translate = "";
  const { left, right } = list.getBoundingClientRect();
  const shift = left < EDGE ? EDGE - left : Math.min(0, document.documentElement.clientWidth - EDGE - right);
  if (shift) list.style.translate = `${shift}px`;
}

// “toggle” does not bubble; it is heard on its way down.
document.addEventListener("toggle", (event) => event.target.matches("details.menu[open]") && bringIntoView(event.target), true);
