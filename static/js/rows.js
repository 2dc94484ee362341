// Rows of data asked of a warm session: words while it starts, then the table, or what is wrong.
import { el, icon, plural } from "./dom.js";
import { lines } from "./lines.js";
import { told } from "./remarks.js";
import { errorsFirst, resultTable } from "./result_table.js";

/** Shows them through `put(...nodes)`. `about(rows)` is the line above the table, where nobody has to look for it; `internal` tells
 * whether to show the columns that a stage added, such as _filename. Gives the rows; null where there are none to show. */
export async function putRows({ url, body, signal, name, put, about, internal = true }) {
  const problems = [];
  const heard = [];
  let rows = null;
  const say = (words) => put(el("p", { class: "in mut" }, icon("loader-2", "spin"), ` ${words}`));
  say(`reading ${name} …`);
  try {
    await lines(url, body, signal, (event) => {
      heard.push(event);
      if (event.event === "rows") rows = event;
      if (event.event === "problem" || event.event === "stage_failed") problems.push(event.problem);
      if (event.event === "waiting") say(event.message);
    });
  } catch (error) {
    if (error.name !== "AbortError") put(el("p", { class: "in" }, error.message));
    return null;
  }
  if (rows) {
    const words = [about(rows), cutWords(rows)].filter(Boolean).join(" · ");
    const table = resultTable(internal ? errorsFirst(rows) : withoutInternal(rows));
    put(...told(heard).map(notice), el("p", { class: "in mut small about-rows" }, words), table);
  } else put(...problems.map(problemNote));
  return rows;
}

function withoutInternal({ columns, rows }) {
  const kept = columns.flatMap((column, place) => (column.internal ? [] : [place]));
  return { columns: kept.map((place) => columns[place]), rows: rows.map((row) => kept.map((place) => row[place])) };
}

const notice = (words) => el("div", { class: "notice warn in" }, icon("alert-triangle"), el("span", {}, words));

const problemNote = (problem) =>
  el("div", { class: "in" }, el("div", { class: "tip" }, el("b", {}, problem.message), ` ${problem.fix ?? ""}`));

/** "first 100 rows" or "17 rows". */
export const howMany = (rows) => `${rows.complete ? "" : "first "}${plural(rows.rows.length, "row")}`;

/** Which cells are shown by their beginning alone; "" where all are whole. */
export const cutWords = ({ cut_cells: cut }) =>
  cut
    ? `${cut === 1 ? "1 cell shows" : `${cut.toLocaleString("en-US")} cells show`} the beginning of a longer text, and end${cut === 1 ? "s" : ""} with …`
    : "";
