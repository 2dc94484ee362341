// The page of a proposal. Its form is drawn by the server; a changed control sends the form, and the answer takes its place.
// What a person chose stays in the form's hidden fields, so nothing is lost when the file is looked at again.
import { el, icon } from "./dom.js";
import { lines } from "./lines.js";
import { keep, recalled, say } from "./look_memory.js";
import { howMany, putRows } from "./rows.js";
import { csrfToken, Refusal } from "./server.js";
import { choose } from "./tabs.js";
import { show } from "./toasts.js";

const NO_ANSWER = "Sluice does not answer. Your choices are still here; try again in a moment.";
const GONE = "is no longer inside: it is in the bin. A job that reads it alone will stop; one that reads the folder goes on without it.";
const place = document.getElementById("look");
let previewing = null;
let isDrawing = false;
/** What is done with the form, one after the other: each works on the form that the one before has drawn, so that no choice is lost. */
let work = Promise.resolve();
const inTurn = (next) => {
  work = work.then(next, next);
  return work;
};

const form = () => document.getElementById("look-form");

function post(url, more = {}) {
  const body = new URLSearchParams(new FormData(form()));
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  // Refusals come as JSON; the proposal is HTML whatever is accepted.
  return fetch(url, {
    method: "POST",
    body,
    credentials: "same-origin",
    headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
  });
}

/** Looks (again) with the form as it is, and with what was changed. */
async function look(more = {}) {
  previewing?.abort();
  place.classList.add("again");
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await post(place.dataset.proposalUrl, more);
    const text = await answer.text();
    const isPiece = answer.headers.get("Content-Type")?.startsWith("text/html") && (answer.ok || answer.status === 422);
    if (isPiece && !answer.redirected) {
      draw(text);
      if (answer.ok) keep(form());
    } else show({ text: detailOf(text), tone: "bad" });
  } catch {
    show({ text: NO_ANSWER, tone: "bad" });
  }
  place.classList.remove("again");
  place.removeAttribute("aria-busy");
}

/** The new form in place of the old one; where somebody is just typing, the text and the cursor stay. */
function draw(text) {
  const active = place.contains(document.activeElement) ? document.activeElement : null;
  const focused = active?.id || active?.dataset.setting;
  const typed = active?.matches("input[type=text], input:not([type])") && active.value !== active.defaultValue ? active.value : null;
  isDrawing = true;
  // Our own template's, escaped by the server; a parsed page runs no script and fetches nothing.
  place.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  const tab = document.getElementById(`look-tab-${form().elements.tab?.value}`) ?? document.getElementById("look-tab-columns");
  if (tab) choose(tab);
  const again = focused && (document.getElementById(focused) ?? place.querySelector(`[data-setting="${CSS.escape(focused)}"]`));
  again?.focus();
  if (document.activeElement === document.body) firstOfUse()?.focus({ preventScroll: true });
  if (again && typed !== null) again.value = typed;
  isDrawing = false;
}

/** What a person is most likely to answer first: a question, else how the file is read, else the names of its columns. */
function firstOfUse() {
  const controls =
    ".question input:checked, .question input; .look-side :is(select, button, summary); .look-main :is(select, a.btn, button, input)";
  for (const one of controls.split("; ")) {
    const found = [...place.querySelectorAll(one)].find((control) => control.checkVisibility() && !control.disabled);
    if (found) return found;
  }
  return null;
}

function detailOf(text) {
  try {
    const body = JSON.parse(text);
    return [body.detail ?? body.title, body.fix].filter(Boolean).join(" ");
  } catch {
    return "You are no longer signed in, or may not do this.";
  }
}

async function answered(url, more) {
  const answer = await post(url, more);
  const text = await answer.text();
  if (!answer.ok || answer.redirected) throw new Refusal(answer.status, null, detailOf(text));
  return JSON.parse(text);
}

/** Sends the form to make something and goes where the answer says, once what was changed before has been looked at. */
async function make(pressed, url, more, then = (answer) => location.assign(answer.url)) {
  const button = place.contains(pressed) ? pressed : place.querySelector(pressed.matches("[data-add]") ? "[data-add]" : "[data-create]");
  if (!button || button.hasAttribute("aria-busy") || !form().reportValidity()) return;
  button.setAttribute("aria-busy", "true");
  const refusal = document.getElementById("look-refusal");
  refusal.textContent = "";
  try {
    then(await answered(url, more));
  } catch (error) {
    refusal.textContent = error instanceof Refusal ? error.message : NO_ANSWER;
  }
  button.removeAttribute("aria-busy");
}

/** The editor of the job takes these when it opens, as one step that can be undone. */
function leaveStages({ stages, url }) {
  sessionStorage.setItem("sluice-add-stages", JSON.stringify({ stages, path: new URL(url, location).pathname }));
  location.assign(url);
}

/** Unpacks the file, and says how far that is. */
async function unpack(button) {
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  const refusal = document.getElementById("look-refusal");
  const progress = document.getElementById("look-unpacked");
  refusal.textContent = "";
  let end = null;
  try {
    await lines(place.dataset.unpackUrl, { uri: form().elements.uri.value, job: form().elements.job?.value ?? "" }, null, (told) => {
      if (told.files || told.problem) end = told;
      else if (told.of) progress.textContent = `${told.done.toLocaleString("en")} of ${told.of.toLocaleString("en")} files are there`;
    });
    if (end?.files) offerParts(end);
    else refusal.textContent = end?.problem ?? NO_ANSWER;
  } catch (error) {
    refusal.textContent = error instanceof Refusal ? error.message : NO_ANSWER;
  }
  if (progress.isConnected) progress.textContent = "";
  button.removeAttribute("aria-busy");
}

/** The parts of what was unpacked: the only one is looked at, several are offered. */
function offerParts({ files, folder, gone }) {
  if (files.length === 1 && !gone.length) {
    location.assign(files[0].url);
    return;
  }
  const parts = document.getElementById("look-parts");
  const about = (notes) => (notes.length ? [el("small", { class: "warn" }, `${notes.join("; ")}.`)] : []);
  parts.replaceChildren(
    ...files.map(({ uri, url, notes }) => el("li", {}, icon("table", "mut"), " ", el("a", { href: url }, uri), " ", ...about(notes))),
  );
  parts.append(...gone.map((uri) => el("li", {}, icon("trash", "mut"), ` ${uri} `, el("small", { class: "warn" }, GONE))));
  const footer = parts.parentElement.querySelector("footer");
  if (folder) {
    const which = folder.files === files.length ? `all ${folder.files}` : folder.files;
    const all = el("a", { class: "btn primary", href: folder.url }, icon("table"), ` Look at ${which} as one table`);
    footer.replaceChildren(all, el("span", { class: "mut small" }, `They are in ${folder.uri}; or choose one of them.`));
    all.focus();
  } else footer.replaceChildren(el("span", { class: "mut small" }, "Choose one to look at it."));
}

function toggleMend(mend) {
  const field = form().elements.mends;
  const same = (other) => other.index === mend.index && other.found === mend.found;
  const before = JSON.parse(field.value);
  const kept = before.filter((other) => !same(other));
  if (kept.length === before.length) kept.push(mend);
  field.value = JSON.stringify(kept);
  return look();
}

function answerQuestion(answer) {
  const { settings } = form().elements;
  const told = JSON.parse(settings.value);
  const columns = { ...told.columns };
  for (const [at, choice] of Object.entries(answer.columns ?? {})) columns[at] = { ...columns[at], ...choice };
  settings.value = JSON.stringify({ ...told, ...answer, columns });
  return look();
}

/** A large file is previewed from its beginning, so nothing is said of its end. */
function oddWords(rows) {
  const where = rows.input === "full" ? "" : " among the first 10,000 of this large file";
  if (rows.rows.length) return `${howMany(rows)} with values that do not fit${where}`;
  return rows.input === "full" ? "Every row fits." : "Of the first 10,000 rows every one fits; a run looks at all.";
}

/** The first rows as the proposal types them, and below them those that do not fit. Nothing is kept. */
async function preview() {
  previewing?.abort();
  previewing = new AbortController();
  const { signal } = previewing;
  const panel = document.getElementById("look-preview");
  panel.hidden = false;
  panel.scrollIntoView({ block: "nearest" });
  const parts = [
    ["look-typed", { only: "all" }, (rows) => `${howMany(rows)}, as they will be typed`, false],
    ["look-odd", { only: "misfits" }, (rows) => oddWords(rows), true],
  ];
  for (const [id, more, about, internal] of parts) {
    const part = document.getElementById(id);
    if (signal.aborted || !part || part.dataset.none !== undefined) return;
    const body = { ...Object.fromEntries(new FormData(form())), ...more };
    const put = (...nodes) => part.replaceChildren(...nodes);
    await putRows({ url: place.dataset.previewUrl, body, signal, name: "the file", put, about, internal });
  }
}

place.addEventListener("change", (event) => {
  const { dataset, name, value } = event.target;
  if (dataset.setting && event.target.matches("select")) inTurn(() => look({ change: dataset.setting, value }));
  else if (dataset.settings) {
    const answer = JSON.parse(dataset.settings);
    inTurn(() => answerQuestion(answer));
  } else if (name === "misfits") {
    say(name);
    inTurn(() => look({ misfits: value }));
  }
});

// Kept while it is typed: a page that is loaded again tells nobody of a change that was not finished.
place.addEventListener("input", ({ target: { name } }) => {
  if (name !== "name") return;
  say(name);
  keep(form());
});

place.addEventListener("focusout", ({ target }) => {
  if (isDrawing || !target.matches("input[data-setting]") || target.value === target.defaultValue) return;
  const { dataset, value } = target;
  if (target.reportValidity()) inTurn(() => look({ change: dataset.setting, value }));
});

// Enter in a field says that it is right as it stands; it does not make the job.
place.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches("input[data-setting]")) return;
  event.preventDefault();
  event.target.blur();
});

place.addEventListener("click", (event) => {
  const pressed = (what) => event.target.closest(what);
  const button = pressed("[data-add][type=button], [data-create][type=button]");
  if (pressed("[data-mend]")) {
    const mend = JSON.parse(pressed("[data-mend]").dataset.mend);
    inTurn(() => toggleMend(mend));
  } else if (button) go(button);
  else if (pressed("[data-preview]")) inTurn(() => void preview());
  else if (pressed("[data-unpack]")) inTurn(() => unpack(pressed("[data-unpack]")));
  else if (pressed("[data-look-again]")) inTurn(() => look());
});

/** To a new job, or to the one that the button names. */
function go(button) {
  const { add } = button.dataset;
  if (add) inTurn(() => make(button, place.dataset.stagesUrl, { job: add }, leaveStages));
  else inTurn(() => make(button, place.dataset.createUrl, {}));
}

place.addEventListener("tab:chosen", (event) => {
  if (!form().elements.tab) return;
  form().elements.tab.value = event.target.id.replace("look-tab-", "");
  keep(form());
});

place.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = place.querySelector("button[type=submit]");
  if (button) go(button);
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key !== "Enter" || document.querySelector("dialog[open]")) return;
  document.activeElement?.blur(); // what was typed last counts
  form().requestSubmit?.();
});

inTurn(async () => {
  await look(recalled());
  // What was made of an earlier version of a zip or workbook is made anew at once: until then runs that read it stop.
  const button = place.querySelector("[data-unpack][data-at-once]");
  if (button) await unpack(button);
});
