// The query page: a text, the tables it may read, and the rows it gives.
import { SqlEditor } from "../editor/sql.js";
import { request } from "../server.js";
import { show } from "../toasts.js";
import { Answer } from "./answer.js";
import { Parameters } from "./parameters.js";
import { Saved } from "./saved.js";
import { Tables } from "./tables.js";

const part = (id) => document.getElementById(id);
const config = JSON.parse(part("query-config").textContent);
const tables = new Tables(part("table-tree"), part("table-filter"), config);
const asked = new URLSearchParams(location.search);

function start() {
  const [run, stop] = [part("run-query"), part("stop-query")];
  const content = () => ({ sql: editor.text(), parameters: parameters.values() });
  const go = () => answer.ask(content());
  const editor = new SqlEditor(part("sql-box"), "", {
    placeholder: "SELECT … FROM a table of the list",
    viewWord: "table",
    views: () => tables.known(),
    parameters: () => ["environment", ...parameters.names],
    change: () => {
      editor.mark([]);
      parameters.follow(editor.text());
      keepText(editor.text());
    },
    preview: go,
    format,
  });
  const parameters = new Parameters(part("query-parameters"), config.types, go);
  const answer = new Answer(part("query-result"), part("query-state"), config, {
    mark: (problems) => editor.mark(problems),
    goto: (problem) => editor.goto(problem),
    blame: (problems) => parameters.blame(problems),
    learn: (reading) => tables.learn(reading),
    working: (yes) => {
      run.hidden = yes;
      stop.hidden = !yes;
    },
    ended: () => saved.drawHistory(),
    name: () => saved.current?.name ?? "query",
  });
  const parts = { save: part("save-query"), title: part("query-title"), savedList: part("saved-list"), historyList: part("history-list") };
  const saved = new Saved(parts, config, {
    content: () => ({ ...content(), chart: answer.chart.saved }),
    open: (version) => {
      answer.chart.set(version.chart);
      parameters.set(version.parameters);
      editor.set(version.sql);
      parameters.follow(version.sql);
      editor.focus();
    },
  });

  async function format() {
    try {
      editor.replaceAll((await request(config.urls.format, { method: "POST", body: { sql: editor.text() } })).sql);
    } catch (error) {
      show({ text: error.message, tone: "warn" });
    }
  }

  tables.addEventListener("choose", ({ detail }) => editor.insert(editor.text().trim() ? detail.name : detail.start));
  tables.addEventListener("learned", () => editor.learn());
  run.addEventListener("click", go);
  stop.addEventListener("click", () => answer.stop());
  part("format-query").addEventListener("click", format);
  document.addEventListener("keydown", (event) => keys(event, { answer, saved, go }));
  window.addEventListener("beforeunload", (event) => saved.current && saved.isMine && saved.isChanged && event.preventDefault());
  saved.drawTitle();
  saved.drawSaved();
  saved.drawHistory();
  if (asked.get("saved")) saved.open(asked.get("saved"));
  else if (asked.get("table")) editor.set(startOf(asked.get("table")));
  else editor.replaceAll(keptText());
  if (matchMedia("(hover: hover)").matches) editor.focus(); // elsewhere it would bring up a keyboard over half of the page
}

function keys(event, { answer, saved, go }) {
  if (document.querySelector("dialog[open]")) return;
  const command = event.ctrlKey || event.metaKey;
  if (event.key === "Escape" && !event.defaultPrevented) answer.stop();
  else if (command && event.key.toLowerCase() === "s") {
    event.preventDefault();
    saved.keep();
  } else if (command && event.key === "Enter" && !event.defaultPrevented) {
    event.preventDefault();
    go();
  }
}

// What was typed and neither run nor saved is there again when somebody comes back in this tab.
const KEY = `sluice-query-${config.person}-${config.urls.page}`;

function keepText(sql) {
  try {
    sessionStorage.setItem(KEY, sql);
  } catch {
    /* a browser that keeps nothing: then nothing comes back */
  }
}

function keptText() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** A first query of a table that somebody came with from its page. */
function startOf(uri) {
  const table = config.tables.find((one) => one.uri === uri && one.name);
  return table ? tables.startOf(table) : "";
}

if (config.may_ask) start();
