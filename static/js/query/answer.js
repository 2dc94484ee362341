// One answer after the other: words while it is worked on, then the rows, or what is wrong and where.
import { el, icon } from "../dom.js";
import { lines } from "../lines.js";
import { told } from "../remarks.js";
import { resultTable } from "../result_table.js";
import { cutWords } from "../rows.js";
import { duration } from "../times.js";

export class Answer {
  /** help: { mark(problems), goto(problem), learn(reading), working(yes) } */
  constructor(root, state, config, help) {
    Object.assign(this, { root, state, config, help, running: null });
  }

  async ask(query) {
    this.running?.abort.abort();
    const run = { query, abort: new AbortController(), began: performance.now(), events: [], problems: [], readings: [], rows: null };
    this.running = run;
    this.help.mark([]);
    this.help.working(true);
    this.tick(run, "asking for a session");
    try {
      await lines(this.config.urls.run, query, run.abort.signal, (event) => this.running === run && this.take(run, event));
      if (this.running === run) this.end(run);
    } catch (error) {
      if (this.running === run) this.refused(error);
    }
    if (this.running === run) this.rest();
  }

  stop() {
    const run = this.running;
    if (!run) return;
    run.abort.abort();
    this.rest();
    this.say("player-stop", "Stopped", "Nothing was changed.");
  }

  rest() {
    clearInterval(this.clock);
    this.running = null;
    this.help.working(false);
  }

  tick(run, words) {
    run.words = words;
    const show = () => {
      this.state.textContent = `${run.words} · ${duration((performance.now() - run.began) / 1000)}`;
    };
    clearInterval(this.clock);
    this.clock = setInterval(show, 200);
    show();
  }

  take(run, event) {
    run.events.push(event);
    if (event.event === "reading") {
      run.readings = event.tables;
      for (const reading of event.tables) this.help.learn(reading);
    } else if (event.event === "waiting") this.tick(run, event.message);
    else if (event.event === "stage_entered") this.tick(run, event.stage === "query" ? "working on the query" : "reading");
    else if (event.event === "rows") run.rows = event;
    else if (event.event === "problem" || event.event === "stage_failed") run.problems.push(event.problem);
  }

  end(run) {
    this.state.textContent = `${duration((performance.now() - run.began) / 1000)}`;
    if (run.rows) this.showRows(run);
    else if (run.problems.length) this.failed(run.problems);
    else this.say("player-stop", "Stopped", "Nothing was changed.");
  }

  refused(error) {
    this.state.textContent = "";
    if (error.name !== "AbortError") this.failed([{ message: error.message }]);
  }

  failed(problems) {
    this.help.mark(problems.filter((problem) => problem.about !== "table" && problem.about !== "shape"));
    this.root.replaceChildren(
      el(
        "ul",
        { class: "problems in" },
        problems.map((problem) => this.problem(problem)),
      ),
    );
  }

  problem(problem) {
    const words = problem.line
      ? el("button", { type: "button", class: "problem-link", onclick: () => this.help.goto(problem) }, problem.message)
      : el("b", {}, problem.message);
    const where = problem.about === "table" ? problem.table : problem.line ? `line ${problem.line}:${problem.column ?? 1}` : "";
    const body = el(
      "div",
      {},
      words,
      problem.found ? [" Found ", el("code", {}, problem.found), "."] : null,
      problem.expected ? ` Expected ${problem.expected}.` : null,
      problem.fix ? ` ${problem.fix}` : null,
    );
    return el("li", { class: "problem" }, icon("alert-circle", "bad"), body, el("span", { class: "where" }, where));
  }

  showRows(run) {
    const { rows } = run;
    const notes = [...run.readings.flatMap(openQuestions), ...told(run.events)];
    const count = rows.complete
      ? `all ${rows.rows.length.toLocaleString("en-US")} rows`
      : `the first ${rows.rows.length.toLocaleString("en-US")} rows; there are more`;
    const words = [count, cutWords(rows)].filter(Boolean).join(" · ");
    this.root.replaceChildren(
      ...notes.map((note) => el("div", { class: "notice warn in" }, icon("alert-triangle"), el("span", {}, note))),
      el("p", { class: `in small about-rows ${rows.complete ? "mut" : "warn"}` }, words),
      el("div", { class: "rows-box", tabindex: "0", role: "region", "aria-label": "Rows" }, resultTable(withoutInternal(rows))),
    );
  }

  say(symbol, title, words) {
    this.state.textContent = "";
    this.root.replaceChildren(el("div", { class: "empty" }, icon(symbol), el("b", {}, title), el("p", {}, words)));
  }
}

const openQuestions = ({ name, questions }) =>
  questions.map((words) => `${name}: ${words} Until somebody has answered that, the columns in question are text.`);

function withoutInternal({ columns, rows }) {
  const kept = columns.flatMap((column, place) => (column.internal ? [] : [place]));
  return { columns: kept.map((place) => columns[place]), rows: rows.map((row) => kept.map((place) => row[place])) };
}
