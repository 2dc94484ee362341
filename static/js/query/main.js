// The query page: a text, the tables it may read, and the rows it gives.
import { SqlEditor } from "../editor/sql.js";
import { Answer } from "./answer.js";
import { Tables } from "./tables.js";

const config = JSON.parse(document.getElementById("query-config").textContent);
const tables = new Tables(document.getElementById("table-tree"), document.getElementById("table-filter"), config);

if (config.may_ask) start();

function start() {
  const box = document.getElementById("sql-box");
  const [run, stop] = ["run-query", "stop-query"].map((id) => document.getElementById(id));
  const editor = new SqlEditor(box, "", {
    placeholder: "SELECT … FROM a table at the left",
    viewWord: "table",
    views: () => tables.known(),
    parameters: () => ["environment"],
    change: () => editor.mark([]),
    preview: () => answer.ask({ sql: editor.text() }),
    format: () => {},
  });
  const answer = new Answer(document.getElementById("query-result"), document.getElementById("query-state"), config, {
    mark: (problems) => editor.mark(problems),
    goto: (problem) => editor.goto(problem),
    learn: (reading) => tables.learn(reading),
    working: (yes) => {
      run.hidden = yes;
      stop.hidden = !yes;
    },
  });
  tables.addEventListener("choose", ({ detail }) => editor.insert(detail));
  tables.addEventListener("learned", () => editor.learn());
  run.addEventListener("click", () => answer.ask({ sql: editor.text() }));
  stop.addEventListener("click", () => answer.stop());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]")) answer.stop();
  });
  editor.focus();
}
