// One answer after the other: words while it is worked on, then the rows or a chart of them, or what is wrong and where.
import { el, icon, plural } from "../dom.js";
import { download, FORMS } from "../download.js";
import { lines } from "../lines.js";
import { told } from "../remarks.js";
import { asTabs, resultTable } from "../result_table.js";
import { cutWords } from "../rows.js";
import { choose } from "../tabs.js";
import { clockOf, duration } from "../times.js";
import { show } from "../toasts.js";
import { Chart } from "./chart.js";
import { ShapeLine } from "./shape.js";

const LONG_SECONDS = 10;

export class Answer {
  /** help: { mark(problems), goto(problem), blame(problems), learn(reading), working(yes), ended(), name() } */
  constructor(root, state, config, help) {
    Object.assign(this, { root, state, config, help, running: null, last: null });
    this.shape = new ShapeLine({ filters: config.filters, change: () => this.last && this.start(this.last.query) });
    this.chartPanel = el("div", { id: "panel-chart", role: "tabpanel", "aria-labelledby": "tab-chart", hidden: true });
    this.chart = new Chart(this.chartPanel);
  }

  /** A query of the editor: { sql, parameters }. */
  ask(query) {
    this.shape.clear();
    return this.start(query);
  }

  async start(query) {
    this.running?.abort.abort();
    const run = { query, abort: new AbortController(), began: performance.now(), events: [], problems: [], readings: [], rows: null };
    this.running = run;
    this.help.mark([]);
    this.help.working(true);
    this.root.setAttribute("aria-busy", "true");
    this.tick(run, "asking for a session");
    try {
      await lines(
        this.config.urls.run,
        { ...query, ...this.shape.body },
        run.abort.signal,
        (event) => this.running === run && this.take(run, event),
      );
      if (this.running === run) this.end(run);
    } catch (error) {
      if (this.running === run) this.refused(error);
    }
    if (this.running === run) this.rest();
  }

  stop() {
    const run = this.running;
    if (!run) return false;
    run.abort.abort();
    this.rest();
    this.say("player-stop", "Stopped", "Nothing was changed.");
    return true;
  }

  rest() {
    clearInterval(this.clock);
    this.running = null;
    this.root.removeAttribute("aria-busy");
    this.help.working(false);
    this.help.ended();
  }

  tick(run, words) {
    run.words = words;
    const tell = () => {
      const seconds = (performance.now() - run.began) / 1000;
      const long = seconds > LONG_SECONDS ? " · Esc stops it" : "";
      this.state.textContent = `${run.words} · ${duration(seconds)}${long}`;
    };
    clearInterval(this.clock);
    this.clock = setInterval(tell, 200);
    tell();
  }

  take(run, event) {
    run.events.push(event);
    if (event.event === "reading") {
      run.readings = event.tables;
      for (const reading of event.tables) this.help.learn(reading);
    } else if (event.event === "waiting") this.tick(run, event.message);
    else if (event.event === "stage_entered") this.tick(run, STAGES[event.stage] ?? "reading the tables in full");
    else if (event.event === "rows") run.rows = event;
    else if (event.event === "problem" || event.event === "stage_failed") run.problems.push(event.problem);
  }

  end(run) {
    this.state.textContent = "";
    if (run.rows) this.showRows(run);
    else if (run.problems.length) this.failed(run.problems);
    else this.say("player-stop", "Stopped", "Nothing was changed.");
  }

  refused(error) {
    this.state.textContent = "";
    if (error.name !== "AbortError") this.failed(error.body?.problems?.length ? error.body.problems : [{ message: error.message }]);
  }

  failed(problems) {
    this.help.mark(problems.filter((problem) => problem.about !== "table" && problem.about !== "shape"));
    this.help.blame(problems);
    const list = el(
      "ul",
      { class: "problems in" },
      problems.map((problem) => this.problem(problem)),
    );
    const back = this.last && this.shape.words ? this.shape.line(this.last.columns) : null;
    this.root.replaceChildren(...[back && el("div", { class: "in" }, back), list].filter(Boolean));
  }

  problem(problem) {
    const words = problem.line
      ? el("button", { type: "button", class: "problem-link", onclick: () => this.help.goto(problem) }, problem.message)
      : el("b", {}, problem.message);
    const body = el(
      "div",
      {},
      words,
      problem.found ? [" Found ", el("code", {}, problem.found), "."] : null,
      problem.expected ? ` Expected ${problem.expected}.` : null,
      problem.fix ? ` ${problem.fix}` : null,
      problem.uri ? [" ", this.look(problem.uri)] : null,
    );
    return el("li", { class: "problem" }, icon("alert-circle", "bad"), body, el("span", { class: "where" }, whereOf(problem)));
  }

  // --- rows

  showRows(run) {
    const { columns, rows } = withoutInternal(run.rows);
    this.last = { query: run.query, columns };
    const answer = { columns, rows };
    const once = (name) => columns.filter((column) => column.name === name).length === 1;
    const table = resultTable(answer, (th, column) => this.shape.head(th, column, once));
    const rowsPanel = el(
      "div",
      { id: "panel-rows", role: "tabpanel", "aria-labelledby": "tab-rows" },
      el("div", { class: "in flow between" }, this.shape.line(columns), this.tools(run.query, answer)),
      el("div", { class: "rows-box", tabindex: "0", role: "region", "aria-label": "Rows" }, rows.length ? table : [table, nothing()]),
    );
    const tabs = this.tabs(run, answer);
    this.root.replaceChildren(tabs, ...this.notes(run), rowsPanel, this.chartPanel);
    this.chartPanel.hidden = true;
    if (this.chart.isWanted) choose(tabs.querySelector("#tab-chart"));
  }

  tabs(run, answer) {
    const tab = (id, symbol, words, on) =>
      el(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${id}`,
          "aria-controls": `panel-${id}`,
          "aria-selected": String(on),
          tabIndex: on ? 0 : -1,
        },
        icon(symbol),
        words,
      );
    const list = el(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "Result as" },
      tab("rows", "table", "Rows", true),
      tab("chart", "chart-bar", "Chart", false),
      el("span", { class: "aside small" }, this.counted(run)),
    );
    list.addEventListener("tab:chosen", ({ target }) => {
      if (target.id === "tab-chart") this.chart.show(answer, run.rows.complete);
      else this.chart.leave();
    });
    return list;
  }

  /** How many rows these are, whether that is all, and when they were read. */
  counted(run) {
    const { rows, complete } = run.rows;
    const count = rows.length.toLocaleString("en-US");
    const words = complete
      ? el("span", {}, plural(rows.length, "row"))
      : el("b", { class: "warn" }, `the first ${count} rows; there are more`);
    const rest = [
      this.shape.words,
      cutWords(run.rows),
      `read at ${clockOf(new Date())}`,
      `took ${duration((performance.now() - run.began) / 1000)}`,
    ];
    return [words, ...rest.filter(Boolean).map((part) => ` · ${part}`)];
  }

  /** What a reader must know of these numbers: questions that nobody has answered, what stages told; and how the tables were read. */
  notes(run) {
    const open = run.readings.flatMap(({ name, questions, uri }) => questions.map((words) => ({ words: `${name}: ${words}`, uri })));
    const heard = told(run.events).map((words) => ({ words }));
    const notes = [...open, ...heard].map(({ words, uri }) =>
      el(
        "div",
        { class: "notice warn in" },
        icon("alert-triangle"),
        el("span", {}, words, uri && [" The columns in question are text here. ", this.look(uri)]),
      ),
    );
    return [...notes, run.readings.length ? this.readings(run) : null].filter(Boolean);
  }

  readings({ readings }) {
    const granted = readings.reduce((sum, { remarks }) => sum + remarks.length, 0);
    const summary = `How the tables were read${granted ? ` · ${plural(granted, "thing")} taken for granted` : ""}`;
    const lines = readings.map(({ name, words, remarks, uri }) =>
      el(
        "li",
        {},
        el("b", { class: "mono" }, name),
        ` ${words}. `,
        remarks.length ? this.look(uri) : null,
        el(
          "ul",
          {},
          remarks.map((remark) => el("li", {}, remark)),
        ),
      ),
    );
    return el(
      "details",
      { class: `in small readings ${granted ? "" : "mut"}` },
      el("summary", {}, summary),
      el("ul", { class: "plain" }, lines),
    );
  }

  look(uri) {
    return el("a", { href: `${this.config.urls.look}?uri=${encodeURIComponent(uri)}` }, "Look at the file");
  }

  tools(query, answer) {
    const copy = () =>
      navigator.clipboard.writeText(asTabs(answer)).then(() => show({ text: `${plural(answer.rows.length, "row")} copied.`, tone: "ok" }));
    const take = (form) => download(this.config.urls.download, { ...query, ...this.shape.body, name: this.help.name() }, form);
    const forms = FORMS.map(([form, words, symbol]) =>
      el("button", { type: "button", onclick: () => take(form) }, icon(symbol), ` ${words}`),
    );
    const menu = el(
      "details",
      { class: "menu end" },
      el("summary", { class: "btn sm" }, icon("download"), " Download"),
      el(
        "div",
        { class: "menu-items" },
        el("div", { class: "heading" }, `All rows, at most ${this.config.download_rows.toLocaleString("en-US")}`),
        forms,
      ),
    );
    menu.addEventListener("click", (event) => event.target.closest(".menu-items button") && menu.removeAttribute("open"));
    return el(
      "div",
      { class: "flow tight" },
      el("button", { type: "button", class: "btn sm ghost", onclick: copy }, icon("copy"), " Copy"),
      menu,
    );
  }

  say(symbol, title, words) {
    this.state.textContent = "";
    this.root.replaceChildren(el("div", { class: "empty" }, icon(symbol), el("b", {}, title), el("p", {}, words)));
  }
}

const STAGES = { query: "working on the query", shape: "sorting and filtering" };

function whereOf({ about, table, line, column, field }) {
  if (about === "table") return table;
  if (about === "shape") return "order and filters";
  if (line) return `line ${line}:${column ?? 1}`;
  return /^parameters\.(\w+)/.exec(field ?? "")?.[1] ?? "";
}

const nothing = () =>
  el(
    "div",
    { class: "empty" },
    icon("table-off"),
    el("b", {}, "No row is like that"),
    el("p", {}, "The query worked; its answer is empty."),
  );

function withoutInternal({ columns, rows }) {
  const kept = columns.flatMap((column, place) => (column.internal ? [] : [place]));
  return { columns: kept.map((place) => columns[place]), rows: rows.map((row) => kept.map((place) => row[place])) };
}
