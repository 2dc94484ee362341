// The editor page: makes the parts and tells them of each other.

import { el, icon, plural } from "../dom.js";
import { lines } from "../lines.js";
import { request } from "../server.js";
import { choose } from "../tabs.js";
import { ago } from "../times.js";
import { show } from "../toasts.js";
import { Draft } from "./draft.js";
import { StageForm } from "./form.js";
import { InputPanel } from "./input_panel.js";
import { JsonView } from "./json_view.js";
import { StageList } from "./list.js";
import { parameterChips, valuesForRun } from "./parameters.js";
import { watch } from "./presence.js";
import { Facts, Preview } from "./preview.js";
import { counted, isBegun, Problems } from "./problems.js";
import { Saver } from "./save.js";
import { Sources } from "./sources.js";
import { know, newStage, typedColumns } from "./stages.js";
import { Store } from "./store.js";
import { takeUploads } from "./uploads.js";

const config = JSON.parse(document.getElementById("editor-config").textContent);
const $ = (id) => document.getElementById(id);
know(config.types, config.connections);

/** What a field of this widget can name: [{ name, words }]. */
const suggestions = {
  uri: (field, _index, typed, again) => sources.suggestions(typed, again, field.writes),
  view: (_field, index) => store.viewsBefore(index).map(({ name }) => ({ name })),
  connection: (field) =>
    config.connections
      .filter(({ offers }) => offers === field.offers)
      .map(({ name, environments }) => ({ name, words: environments.join(", ") })),
  table: (_field, index, _typed, again) => tablesBehind(store.stages[index].connection, again),
};

const store = new Store(config.document);
const wanted = new URLSearchParams(location.search).get("stage");
if (wanted !== null) store.choose(wanted === "last" ? store.keys.length - 1 : Number(wanted));
const draft = new Draft(store, config, $("draft-banner"));
const problems = new Problems(store, config.urls, config.may.preview);
const facts = new Facts(store);
let tables = null;
const sources = new Sources($("sources"), store, config.urls);
takeUploads(sources, config.job);

const add = async (at) => (await import("./insert.js")).insertStage(store, at);
const list = new StageList($("stage-list"), store, { facts, problems, onAdd: add });
const preview = new Preview($("preview"), { config, store, problems, facts, goto, redraw: () => list.later() });
const form = new StageForm($("pane"), {
  config,
  store,
  problems,
  preview: startPreview,
  onAdd: add,
  onFirst: (type) => store.insert(0, newStage(type, store, 0)),
  columnsOf: (view) => {
    const found = problems.columnsOf(view);
    return found.length ? found : typedColumns(store.stages, view);
  },
  suggestions: (field, index, typed, again) => suggestions[field.widget](field, index, typed, again),
  parameters: () => parameterChips(store, config.parameter_types),
});
if (config.may.preview)
  new InputPanel({ tab: $("tab-input"), panel: $("panel-input"), store, urls: config.urls, started: () => problems.sessionUp() });
const saver = new Saver({ config, store, draft, problems, showProblems, saved: told, merged: told });
let json = null;

/** What asks for the tables of databases is fetched by whoever has a stage that names one. */
function tablesBehind(connection, again) {
  if (tables) return tables.suggestions(connection, again);
  if (config.may.preview)
    import("./tables.js").then(({ Tables }) => {
      tables ??= new Tables(config.urls.tables, lines, () => store.doc.parameters);
      again();
    });
  return [];
}

// --- views

function showJson(on) {
  if (on === Boolean(json)) {
    if (json) json.view.focus();
    return;
  }
  if (!on && store.broken) {
    show({ text: "The JSON cannot be read yet. Correct it, or go back with Ctrl+Z, before you look at the list.", tone: "warn" });
    return;
  }
  $("view-list").setAttribute("aria-pressed", String(!on));
  $("view-json").setAttribute("aria-pressed", String(on));
  $("pane").hidden = on;
  $("json-pane").hidden = !on;
  form.hidden = on;
  if (on) json = new JsonView($("json-pane"), store, { preview: startPreview });
  else {
    json.destroy();
    json = null;
    $("json-pane").replaceChildren();
    form.draw();
  }
  markJson();
  json?.view.focus();
}

function markJson() {
  json?.mark(problems.list);
}

function goto(problem) {
  if (problem.stage_index === undefined && problem.line && !json) showJson(true);
  if (json) {
    json.goto(problem);
    return;
  }
  const index = store.indexOf(problem.key);
  if (index >= 0) {
    store.choose(index);
    form.goto(problem);
  }
}

function showProblems() {
  choose($("tab-problems"), { focus: true });
}

/** Stages that the page of a file left for this job: put at the end, as one step that can be undone. */
function takeBrought() {
  const left = sessionStorage.getItem("sluice-add-stages");
  sessionStorage.removeItem("sluice-add-stages");
  const { stages = [], path } = JSON.parse(left ?? "{}");
  if (path !== location.pathname || store.broken || !stages.length) return;
  store.insertAll(store.stages.length, stages);
  show({ text: `${plural(stages.length, "stage")} added at the end. Ctrl+Z takes them out again.`, tone: "ok" });
}

// --- toolbar

function drawToolbar() {
  const stage = store.index + 1;
  const label = (name, text) => {
    $(name).querySelector("[data-label]").textContent = text;
  };
  label("preview-button", stage ? `Preview stage ${stage}` : "Preview");
  $("preview-button").disabled = !stage || Boolean(store.broken);
  if ($("run-button")) {
    label("run-button", store.stages.length > 1 ? `Run 1 → ${store.stages.length}` : "Run");
    $("run-button").disabled = !store.stages.length || Boolean(store.broken);
  }
  const chip = $("problem-chip");
  if (!isBegun(problems.list)) {
    chip.className = "chip mut";
    chip.replaceChildren("no stages yet");
    return;
  }
  const isGood = !problems.list.length;
  chip.className = `chip ${isGood ? "ok" : "warn"}`;
  chip.replaceChildren(icon(isGood ? "circle-check" : "alert-triangle"), ` ${counted(problems.list)}`);
}

function drawDraftState() {
  const base = draft.base ? `draft of v${draft.base}` : "draft, never saved";
  const clean = draft.revision === 0 && !draft.isDirty && draft.base;
  const saved = draft.savedAt ? ` · saved ${agoWords(draft.savedAt)}` : "";
  const words = {
    saving: `${base} · saving …`,
    changed: `${base} · not saved yet`,
    here: `${base} · kept in this browser`,
    conflict: `${base} · another window has changes`,
    kept: clean ? `v${draft.base}, no changes` : base + saved,
  };
  $("draft-state").textContent = words[draft.state];
}

function agoWords(moment) {
  const seconds = Math.max(0, Math.round((Date.now() - moment) / 1000));
  return seconds < 60 ? `${seconds} s ago` : ago(moment);
}

function told() {
  $("newer-banner").hidden = true;
  drawDraftState();
  drawToolbar();
}

function newer({ latest_version, latest_author }) {
  const banner = $("newer-banner");
  if (!banner.hidden || saver.busy) return;
  const look = el(
    "button",
    {
      type: "button",
      class: "btn sm",
      onclick: () => {
        banner.hidden = true;
        saver.merge();
      },
    },
    icon("git-merge"),
    "Look at both",
  );
  banner.replaceChildren(
    icon("versions"),
    el(
      "span",
      { class: "grow" },
      `${latest_author} saved v${latest_version} ${draft.base ? `while your draft is of v${draft.base}` : "meanwhile"}. Nothing of yours is lost.`,
    ),
    look,
  );
  banner.hidden = false;
}

// --- doing

function startPreview() {
  if (config.may.preview) preview.start();
}

async function run() {
  const button = $("run-button");
  if (button.hasAttribute("aria-busy")) return;
  const values = await valuesForRun(store.parameters);
  if (values === undefined) return;
  button.setAttribute("aria-busy", "true"); // until the run's page is there: a second click would start a second run
  try {
    await draft.send();
    const answer = await request(config.urls.run_draft, { method: "POST", body: { document: store.text(), parameters: values } });
    location.assign(answer.url);
  } catch (error) {
    if (error.problems?.length) {
      problems.add(error.problems);
      showProblems();
    }
    show({ text: error.message, tone: "bad" });
    button.removeAttribute("aria-busy");
  }
}

window.addEventListener("pageshow", () => $("run-button")?.removeAttribute("aria-busy"));

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable=true], .cm-editor");

function key(event) {
  if (document.querySelector("dialog[open]")) return;
  const control = event.ctrlKey || event.metaKey;
  const letter = event.key.toLowerCase();
  if (control && letter === "s") {
    event.preventDefault();
    saver.open();
    return;
  }
  if (control && event.key === "Enter") {
    event.preventDefault();
    startPreview();
    return;
  }
  if (control && letter === "z" && !typing(event.target)) {
    event.preventDefault();
    if (event.shiftKey) store.redo();
    else store.undo();
    return;
  }
  if (control && letter === "y" && !typing(event.target)) {
    event.preventDefault();
    store.redo();
    return;
  }
  if (
    event.altKey &&
    ["ArrowUp", "ArrowDown"].includes(event.key) &&
    !event.target.closest(".cm-editor, .stage, .columns-field") &&
    store.stage
  ) {
    event.preventDefault();
    list.move(store.index, event.key === "ArrowUp" ? -1 : 1);
    return;
  }
  if (event.key === "Escape" && preview.running) {
    preview.cancel();
    return;
  }
  if (event.key === "Escape" && event.target.closest(".columns-field, .field")) $("stage-list").querySelector("[aria-current]")?.focus();
}

document.addEventListener("keydown", key);
$("add-stage").addEventListener("click", () => add(store.stage ? store.index + 1 : 0));
$("view-list").addEventListener("click", () => showJson(false));
$("view-json").addEventListener("click", () => showJson(true));
$("problem-chip").addEventListener("click", showProblems);
$("preview-button").addEventListener("click", startPreview);
$("run-button")?.addEventListener("click", run);
$("save-button").addEventListener("click", () => saver.open());
$("undo-button").addEventListener("click", () => store.undo());
store.addEventListener("change", (event) => {
  if (json && event.detail.source !== json) json.refresh();
  drawToolbar();
});
problems.addEventListener("change", () => {
  list.later();
  drawToolbar();
  markJson();
});
problems.addEventListener("columns", () => form.learnColumns());
draft.addEventListener("state", drawDraftState);
setInterval(drawDraftState, 1000);
drawToolbar();
drawDraftState();
if (store.broken) showJson(true);
else if (document.activeElement === document.body) {
  // Whoever has only a keyboard goes on with the stage that is shown, not through the menus above once more.
  ($("stage-list").querySelector("[aria-current]") ?? $("add-stage")).focus({ preventScroll: true });
}
watch($("presence"), config.urls, draft, newer);

takeBrought();
