// What was typed into a form that was refused stands in it again: kept in this tab when the form is sent, brought back by the page that says
// no. Where the form changes something that is there, each field says what is there now.
import { open } from "./dialogs.js";
import { raise } from "./toasts.js";

const KEY = "sluice-typed";
const NOT_TYPED = new Set(["hidden", "password", "file", "submit", "button", "image", "reset"]);
const CHOSEN = new Set(["checkbox", "radio"]);
const SIGN_IN = "/sign-in";

const isTyped = (field) => field.name && !field.disabled && !NOT_TYPED.has(field.type);

/** What a person filled in: [{name, value, chosen}] in the order of the form; a form that asks for a password gives nothing. */
export function typedIn(fields) {
  const all = [...fields];
  if (all.some((field) => field.type === "password")) return [];
  return all
    .filter(isTyped)
    .map((field) => ({ name: field.name, value: field.value, chosen: CHOSEN.has(field.type) ? field.checked : null }));
}

/** Puts it back; gives [field, what stood there] of those where something else stood. Fields that are not there any more are left out. */
export function bringBack(fields, typed) {
  const left = [...typed];
  const take = (fits) => left.splice(left.findIndex(fits), left.some(fits) ? 1 : 0)[0];
  const changed = [];
  for (const field of [...fields].filter(isTyped)) {
    const isChoice = CHOSEN.has(field.type);
    const was = take((one) => one.name === field.name && (one.chosen !== null) === isChoice && (!isChoice || one.value === field.value));
    if (!was || (isChoice ? field.checked === was.chosen : field.value === was.value)) continue;
    if (field.options && ![...field.options].some((option) => option.value === was.value)) continue;
    changed.push([field, shown(field)]);
    if (isChoice) field.checked = was.chosen;
    else field.value = was.value;
  }
  return changed;
}

/** Whether what `kept` says of a form belongs into a page that came after it: {path, from, refused, person}; all addresses without a host. */
export function belongs(kept, page) {
  if (!kept || kept.page !== page.path || kept.person !== page.person) return false;
  const fromItsError = page.from === kept.action && kept.action !== kept.page;
  return page.refused || fromItsError || page.from.startsWith(SIGN_IN);
}

function shown(field) {
  if (CHOSEN.has(field.type)) return field.checked ? "chosen" : "not chosen";
  const text = field.options ? field.options[field.selectedIndex]?.text.trim() : field.value;
  return text || "nothing";
}

const pathOf = (address) => (address ? new URL(address, location.href).pathname : "");
const actionOf = (form) => pathOf(form.getAttribute("action") || location.href);
const person = () => document.querySelector("meta[name=person]")?.content ?? "";

function keep(form) {
  const typed = typedIn(form.elements);
  if (!typed.length) return;
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ page: location.pathname, action: actionOf(form), person: person(), typed }));
  } catch {
    /* a browser that keeps nothing: then nothing comes back */
  }
}

function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY));
    sessionStorage.removeItem(KEY);
    return found;
  } catch {
    return null;
  }
}

function fill(form, typed) {
  const changesSomething = form.querySelector("input[name=edition]");
  const changed = bringBack(form.elements, typed);
  const dialog = form.closest("dialog");
  if (dialog) {
    open(dialog.id);
    raise(); // the words that say why stand above it
  }
  if (form.closest("details")) form.closest("details").open = true;
  for (const [field, now] of changed) {
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (changesSomething) sayNow(field, now);
  }
  changed[0]?.[0].focus();
}

function sayNow(field, now) {
  const hint = Object.assign(document.createElement("span"), { className: "hint", id: `now-${field.id || field.name}-${field.value}` });
  hint.textContent = CHOSEN.has(field.type) ? `(${now} now)` : `There now: ${now}`;
  if (CHOSEN.has(field.type) && field.closest("label")) field.closest("label").append(" ", hint);
  else field.after(hint);
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${hint.id}`.trim());
}

function start() {
  const found = kept();
  const page = {
    path: location.pathname,
    from: pathOf(document.referrer),
    refused: document.querySelector(".toasts [data-typed]") !== null,
    person: person(),
  };
  if (!belongs(found, page)) return;
  const form = [...document.forms].find((one) => actionOf(one) === found.action && typedIn(one.elements).length);
  if (form) fill(form, found.typed);
}

document.addEventListener("submit", (event) => {
  const isPost = event.target.getAttribute("method")?.toLowerCase() === "post";
  if (!event.defaultPrevented && isPost) keep(event.target);
});
start();
