// Pages around jobs: the last runs as bars (list) or lines (job page), and SQL that is only shown, in colours.
import { request } from "./server.js";
import { ago, duration } from "./times.js";

const SVG = "http://www.w3.org/2000/svg";
const TONES = { succeeded: "ok", succeeded_with_warnings: "warn", failed: "bad", timed_out: "bad", cancelled: "mut", skipped: "mut" };
const ICONS = { ok: "circle-check", warn: "alert-triangle", bad: "circle-x", mut: "ban", run: "loader-2" };
const tone = (state) => TONES[state] ?? "run";
const word = (state) => state.replaceAll("_", " ");

/** Fills every .bars-cell below `root`; asks for all jobs of a table at once. */
async function fillBars(root = document) {
  for (const table of root.querySelectorAll(".job-table")) {
    const cells = [...table.querySelectorAll(".bars-cell[data-job]")];
    if (!cells.length) continue;
    const jobs = cells.map((cell) => cell.dataset.job).join(",");
    let runs = null;
    try {
      runs = await request(`${table.dataset.recentUrl}?jobs=${encodeURIComponent(jobs)}`);
    } catch {
      /* the rest of the page is whole without it */
    }
    for (const cell of cells) {
      const mine = runs?.[cell.dataset.job] ?? [];
      if (cell.dataset.form === "list") cell.replaceChildren(...lines(mine, table.dataset.runUrl, runs !== null));
      else cell.replaceChildren(...(mine.length ? [bars(mine, table.dataset.runUrl)] : []));
    }
  }
}

/** Runs come oldest first; a bar is as high as the run was long. */
function bars(all, url) {
  const runs = all.slice(-14);
  const longest = Math.max(...runs.map((run) => run.duration_s ?? 0), 0.1);
  const svg = node("svg", { class: "bars", width: runs.length * 7 - 2, height: 18, role: "group" });
  const bad = runs.filter((run) => tone(run.state) === "bad").length;
  svg.setAttribute("aria-label", `last ${runs.length} runs, ${bad} failed`);
  runs.forEach((run, place) => {
    const height = 5 + 13 * ((run.duration_s ?? longest / 2) / longest);
    const said = run.duration_s == null ? word(run.state) : `${word(run.state)}, ${duration(run.duration_s)}`;
    const link = node("a", { href: `${url}${run.id}/`, tabindex: -1, "aria-label": said });
    const bar = node("rect", { class: tone(run.state), x: place * 7, y: 18 - height, width: 5, height, rx: 1 });
    bar.append(Object.assign(node("title", {}), { textContent: said }));
    link.append(bar);
    svg.append(link);
  });
  return svg;
}

function lines(runs, url, known) {
  if (!runs.length)
    return [
      Object.assign(document.createElement("span"), {
        className: "mut",
        textContent: known ? "It has not run yet." : "The runs cannot be shown just now.",
      }),
    ];
  const list = Object.assign(document.createElement("ul"), { className: "plain run-lines" });
  for (const run of runs.slice(-6).reverse()) list.append(line(run, url));
  return [bars(runs, url), list];
}

function line(run, url) {
  const item = document.createElement("li");
  const link = Object.assign(document.createElement("a"), { href: `${url}${run.id}/`, className: "flow tight" });
  const icon = Object.assign(document.createElement("i"), { className: `ti ti-${ICONS[tone(run.state)]} ${tone(run.state)}` });
  icon.setAttribute("aria-hidden", "true");
  const when = run.created_at ? ago(new Date(run.created_at)) : "";
  link.append(
    icon,
    word(run.state),
    Object.assign(document.createElement("span"), {
      className: "mut",
      textContent: [run.environment, run.duration_s == null ? "" : duration(run.duration_s), when].filter(Boolean).join(" · "),
    }),
  );
  item.append(link);
  return item;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The colours come with the editor's library, which is only loaded where there is SQL. */
async function colourSql(root = document) {
  const shown = [...root.querySelectorAll("pre[data-sql]")];
  if (!shown.length) return;
  const { highlightSql } = await import("../vendor/codemirror.js");
  for (const pre of shown) highlightSql(pre, pre.textContent);
}

fillBars();
colourSql();
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "jobs") fillBars(event.target);
});
