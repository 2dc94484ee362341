// The page of a proposal. Its form is drawn by the server; a changed control sends the form, and the answer takes its place.
// What a person chose stays in the form's hidden fields, so nothing is lost when the file is looked at again.
import { el, icon } from "./dom.js";
import { csrfToken, Refusal } from "./server.js";
import { choose } from "./tabs.js";
import { show } from "./toasts.js";

const NO_ANSWER = "Sluice does not answer. Your choices are still here; try again in a moment.";
const place = document.getElementById("look");
let asked = 0;

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

/** Looks (again) with the form as it is; the newest answer wins. */
async function look(more = {}) {
  asked += 1;
  const mine = asked;
  const focused = document.activeElement?.id || document.activeElement?.dataset?.setting;
  place.classList.add("again");
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await post(place.dataset.proposalUrl, more);
    const text = await answer.text();
    if (mine !== asked) return;
    const isPiece = answer.headers.get("Content-Type")?.startsWith("text/html") && (answer.ok || answer.status === 422);
    if (isPiece && !answer.redirected) draw(text, focused);
    else show({ text: detailOf(text), tone: "bad" });
  } catch {
    show({ text: NO_ANSWER, tone: "bad" });
  }
  if (mine !== asked) return;
  place.classList.remove("again");
  place.removeAttribute("aria-busy");
}

function draw(text, focused) {
  // Our own template's, escaped by the server; a parsed page runs no script and fetches nothing.
  place.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  const tab = document.getElementById(`look-tab-${form().elements.tab?.value}`) ?? document.getElementById("look-tab-columns");
  if (tab) choose(tab);
  if (focused) (document.getElementById(focused) ?? place.querySelector(`[data-setting="${CSS.escape(focused)}"]`))?.focus();
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

/** Sends the form to make something and goes where the answer says. */
async function make(button, url, more, then = (answer) => location.assign(answer.url)) {
  if (button.hasAttribute("aria-busy") || !form().reportValidity()) return;
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

/** The parts of what was unpacked: the only one is looked at, several are offered. */
function offerParts({ files }) {
  if (files.length === 1) location.assign(files[0].url);
  else
    document
      .getElementById("look-parts")
      .replaceChildren(...files.map(({ uri, url }) => el("li", {}, icon("table", "mut"), " ", el("a", { href: url }, uri))));
}

function toggleMend(button) {
  const field = form().elements.mends;
  const mend = JSON.parse(button.dataset.mend);
  const same = (other) => other.index === mend.index && other.found === mend.found;
  const before = JSON.parse(field.value);
  const kept = before.filter((other) => !same(other));
  if (kept.length === before.length) kept.push(mend);
  field.value = JSON.stringify(kept);
  look();
}

place.addEventListener("change", (event) => {
  const control = event.target;
  if (control.dataset.setting) {
    if (control.checkValidity()) look({ change: control.dataset.setting, value: control.value });
    else control.reportValidity();
  } else if (control.dataset.settings) {
    const settings = { ...JSON.parse(form().elements.settings.value), ...JSON.parse(control.dataset.settings) };
    form().elements.settings.value = JSON.stringify(settings);
    look();
  } else if (control.name === "misfits") look();
});

place.addEventListener("click", (event) => {
  const mend = event.target.closest("[data-mend]");
  const add = event.target.closest("[data-add]");
  if (mend) toggleMend(mend);
  else if (add) make(add, place.dataset.stagesUrl, { job: add.dataset.add }, leaveStages);
  else if (event.target.closest("[data-unpack]")) make(event.target.closest("[data-unpack]"), place.dataset.unpackUrl, {}, offerParts);
  else if (event.target.closest("[data-look-again]")) look();
});

place.addEventListener("tab:chosen", (event) => {
  if (form().elements.tab) form().elements.tab.value = event.target.id.replace("look-tab-", "");
});

place.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = place.querySelector("[data-create]");
  if (button) make(button, place.dataset.createUrl, {});
});

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && !document.querySelector("dialog[open]")) form().requestSubmit?.();
});

look();
