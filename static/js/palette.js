// Ctrl+K: places, jobs, runs and actions by name. The server answers GET <palette-url>?q= with {items: [{title, detail, url, icon, group}]}.
import { request } from "./server.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("ul");
const url = document.querySelector("meta[name=palette-url]")?.content;
let pending = null;
let chosen = 0;
/** Enter came before the answer: whoever types fast goes where the answer says, not where the list still stood. */
let goesAtOnce = false;
let waits = false;

export function openPalette() {
  if (!dialog || dialog.open) return;
  input.value = "";
  goesAtOnce = false;
  dialog.showModal();
  find();
}

const places = () =>
  [...document.querySelectorAll(".side a")].map((link) => ({
    title: link.querySelector("span").textContent,
    url: link.href,
    icon: link.querySelector("i").className.match(/ti-([\w-]+)/)?.[1],
    group: "Places",
  }));

async function find() {
  pending?.abort();
  pending = new AbortController();
  const words = input.value.trim().toLowerCase();
  const near = places().filter((place) => place.title.toLowerCase().includes(words));
  draw(near);
  try {
    const answer = await request(`${url}?q=${encodeURIComponent(words)}`, { signal: pending.signal });
    found([...near, ...answer.items]);
  } catch (error) {
    if (error.name === "AbortError") return;
    goesAtOnce = false;
    found(near, error.message);
  }
}

function found(items, note = "") {
  waits = false;
  draw(items, note);
  if (goesAtOnce) go(options()[0]);
  goesAtOnce = false;
}

function draw(items, note = "") {
  list.replaceChildren();
  let group = null;
  items.forEach((item, place) => {
    if (item.group !== group) {
      group = item.group;
      if (group) list.append(heading(group));
    }
    list.append(option(item, place));
  });
  if (!items.length || note) list.append(heading(note || "Nothing has that name."));
  mark(0);
}

function heading(text) {
  return Object.assign(document.createElement("li"), { className: "group", textContent: text, role: "presentation" });
}

function option(item, place) {
  const row = document.createElement("li");
  row.id = `palette-${place}`;
  row.role = "option";
  row.dataset.url = item.url;
  const icon = document.createElement("i");
  icon.className = `ti ti-${item.icon || "point"}`;
  icon.setAttribute("aria-hidden", "true");
  const title = Object.assign(document.createElement("span"), { className: "clip", textContent: item.title });
  const detail = Object.assign(document.createElement("small"), { className: "clip", textContent: item.detail ?? "" });
  row.append(icon, title, detail);
  return row;
}

const options = () => [...list.querySelectorAll("[role=option]")];

function mark(place) {
  const all = options();
  chosen = all.length ? (place + all.length) % all.length : 0;
  for (const [index, row] of all.entries()) row.setAttribute("aria-selected", String(index === chosen));
  if (all[chosen]) {
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  } else input.removeAttribute("aria-activedescendant");
}

function go(row) {
  if (row) {
    dialog.close();
    location.assign(row.dataset.url);
  }
}

if (dialog) {
  let wait;
  input.addEventListener("input", () => {
    clearTimeout(wait);
    pending?.abort(); // an answer to fewer letters is no answer to these
    waits = true;
    goesAtOnce = false;
    wait = setTimeout(find, 80);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      goesAtOnce = false;
      mark(chosen + step);
    }
    if (event.key === "Enter") {
      event.preventDefault();
      if (waits) goesAtOnce = true;
      else go(options()[chosen]);
    }
  });
  list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) openPalette();
  });
}
