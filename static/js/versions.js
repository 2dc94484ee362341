// Pages of a Delta table's versions: rows as they were, rows that are other, and work on the whole table.

import { el, icon } from "./dom.js";
import { lines } from "./lines.js";
import { howMany, putRows } from "./rows.js";

const chosen = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((one) => one.value);
let asking = null;

for (const button of document.querySelectorAll("[data-see]")) button.addEventListener("click", () => see(button));

async function see({ dataset: { see: what, url } }) {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const panel = document.getElementById(what);
  const put = (...nodes) => panel.replaceChildren(...nodes);
  if (what === "rows") {
    await putRows({ url, body: {}, signal, name: "them", put, about: (rows) => `${howMany(rows)} as they were`, internal: false });
    return;
  }
  const counts = document.getElementById("changes-counts");
  counts.textContent = "";
  const keys = chosen("key");
  const told = await putRows({ url, body: { keys, counts: true }, signal, name: "both versions", put, about: () => "", internal: false });
  if (!told) return;
  counts.textContent = inWords(told.rows, keys.length > 0);
  if (!told.rows.length) put();
  else await putRows({ url, body: { keys }, signal, name: "the rows", put, about: howMany, internal: false });
}

/** "100 new, 92 changed, 0 removed", from [what became of them, how many]. */
function inWords(rows, withKeys) {
  const counts = new Map(rows.map(([kind, count]) => [kind, Number(count)]));
  const number = (kind) => (counts.get(kind) ?? 0).toLocaleString("en-US");
  if (!rows.length) return "Every row is the same in both.";
  const said = [`${number("new")} new`, `${number("removed")} removed`];
  if (withKeys) said.splice(1, 0, `${number("changed: is")} changed`);
  return `${said.join(", ")}.`;
}

const optimize = document.getElementById("optimize");
optimize?.addEventListener("click", async () => {
  const told = document.getElementById("optimize-told");
  const say = (words) => told.replaceChildren(icon("loader-2", "spin"), ` ${words}`);
  const done = (...nodes) => {
    told.replaceChildren(...nodes);
    optimize.disabled = false;
  };
  optimize.disabled = true;
  say("Spark starts …");
  try {
    await lines(optimize.dataset.url, { columns: chosen("column") }, null, (event) => {
      if (event.event === "progress" && event.what === "tasks") say(`${event.done} of ${event.of} steps …`);
      if (event.event === "done") done(icon("circle-check", "ok"), ` ${event.words}`);
      if (event.event === "problem") done(el("b", {}, event.problem.message), ` ${event.problem.fix ?? ""}`);
    });
    if (optimize.disabled) done("It goes on; the table's versions say when it is done.");
  } catch (error) {
    done(error.message);
  }
});
