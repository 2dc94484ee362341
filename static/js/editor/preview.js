// The panel below: what the chosen stage makes, asked of the warm session; and the list of problems.

import { el, icon } from "../dom.js";
import { downloadLine } from "../download.js";
import { lines } from "../lines.js";
import { remarksOf, uncounted } from "../remarks.js";
import { asTabs, errorsFirst, resultTable } from "../result_table.js";
import { cutWords, howMany } from "../rows.js";
import { request } from "../server.js";
import { choose } from "../tabs.js";
import { duration } from "../times.js";
import { show } from "../toasts.js";
import { connectionButton } from "./connection_button.js";
import { isBegun, placeOf, problemList } from "./problems.js";

/** What the last preview knew of each stage: rows, and whether the stage has changed since. */
export class Facts {
  constructor(store) {
    this.store = store;
    this.known = new Map();
  }

  put(key, facts) {
    if (key) this.known.set(key, { ...this.known.get(key), ...facts, stage: this.store.stages[this.store.indexOf(key)] });
  }

  of(key) {
    const facts = this.known.get(key);
    return facts && { ...facts, stale: facts.stage !== this.store.stages[this.store.indexOf(key)] };
  }
}

export class Preview {
  /** help: { config, store, problems, facts, goto(problem), redraw() } */
  constructor(root, help) {
    Object.assign(this, { root, ...help, running: null, last: null });
    const part = (name) => root.querySelector(`[data-part=${name}]`);
    this.parts = {
      output: part("output"),
      problems: part("problems"),
      status: part("status"),
      count: part("problem-count"),
      cancel: part("cancel"),
      input: part("input"),
      rows: part("rows"),
      copy: part("copy"),
    };
    this.parts.cancel.addEventListener("click", () => this.cancel());
    this.parts.copy.addEventListener("click", () => this.copy());
    this.parts.input.addEventListener("change", () => this.last && this.start());
    this.parts.rows.addEventListener("change", () => this.last && this.start());
    this.problems.addEventListener("change", () => this.drawProblems());
    this.store.addEventListener("change", (event) => {
      if (event.detail.what !== "choice" || this.last?.key !== this.store.chosen) this.age();
    });
    this.idle();
    this.drawProblems();
  }

  // --- asking

  /** `only`: "values" shows just the rows with values to look at. */
  async start({ only = "all" } = {}) {
    const { store } = this;
    if (store.broken) {
      show({ text: "The JSON cannot be read yet; correct it first.", tone: "warn" });
      return;
    }
    if (!store.stage) return;
    this.running?.abort.abort();
    const run = {
      abort: new AbortController(),
      key: store.chosen,
      index: store.index,
      keys: store.keys,
      doc: store.doc,
      began: performance.now(),
      problems: [],
      rows: null,
      values: [],
      remarks: [],
      only,
    };
    this.running = run;
    choose(document.getElementById("tab-output"));
    this.working(run, "asking for a session");
    const body = {
      document: store.doc,
      to: run.index,
      rows: Number(this.parts.rows.value),
      input: this.parts.input.value,
      only,
      parameters: {},
    };
    try {
      await lines(this.config.urls.preview, body, run.abort.signal, (event) => {
        if (this.running === run) this.take(run, event);
      });
      if (this.running === run) this.end(run);
    } catch (error) {
      if (this.running === run && error.name !== "AbortError") this.refused(error);
    }
    if (this.running === run) this.rest();
  }

  take(run, event) {
    const key = run.keys[event.stage_index];
    if (event.event === "stage_entered") this.say(run, `${event.stage} …`);
    else if (event.event === "stage_finished") this.finished(run, key, event);
    else if (event.event === "rows") run.rows = event;
    else if (event.event === "value_warnings") run.values.push(event);
    else if (event.event === "problem" || event.event === "stage_failed") run.problems.push(event.problem);
    else if (event.event === "cancelled") run.cancelled = true;
    else if (["waiting", "queued", "starting", "ready"].includes(event.event))
      this.say(
        run,
        event.message ?? (event.event === "ready" ? "session is ready" : "starting a Spark session, about 10 s the first time"),
      );
    else if (event.event === "error")
      run.problems.push(event.problem ?? { message: event.message ?? "The preview stopped.", fix: event.fix });
  }

  finished(run, key, event) {
    const { rows_out: rows } = event;
    run.remarks.push(...remarksOf(event));
    if (rows == null) this.facts.put(key, { words: "worked in the last preview" });
    else this.facts.put(key, { rows, atLeast: false, words: `${rows.toLocaleString("en-US")} rows in the last preview` });
  }

  end(run) {
    if (run.rows || run.problems.length) this.problems.sessionUp();
    const hints = run.values.flatMap((event) => (event.hints ?? []).map((hint) => ({ ...hint, stage_index: event.stage_index })));
    this.problems.hint(hints);
    if (run.rows) this.showRows(run);
    else if (run.cancelled) this.message("player-stop", "Cancelled", "Nothing was changed.");
    else if (run.problems.length) this.failed(run);
    else
      this.message("alert-triangle", "The preview ended without an answer", "Try again; if it stays like this, tell whoever runs Sluice.");
    this.redraw();
  }

  async cancel() {
    const run = this.running;
    if (!run) return;
    this.say(run, "stopping …");
    try {
      await request(this.config.urls.cancel_preview, { method: "POST", body: {} });
    } catch {
      /* the stream below ends it for this page in any case */
    }
    setTimeout(() => {
      if (this.running === run) {
        run.abort.abort();
        this.rest();
        this.message("player-stop", "Cancelled", "Nothing was changed.");
      }
    }, 3000);
  }

  // --- showing

  idle() {
    this.message(
      "eye",
      "See what a stage makes",
      "Preview runs the stages up to the chosen one on a sample and shows the rows. Nothing is written.",
    );
  }

  working(run, words) {
    this.parts.cancel.hidden = false;
    this.root.setAttribute("aria-busy", "true");
    this.parts.output.classList.add("stale");
    this.say(run, words);
    clearInterval(this.clock);
    this.clock = setInterval(() => this.say(run, run.words), 200);
    if (!this.last)
      this.parts.output.replaceChildren(
        ...[1, 2, 3, 4, 5, 6].map(() => el("span", { class: "skeleton" })),
        el("p", { class: "after-10s" }, "The first preview starts a Spark session of your own; the next ones are quick."),
      );
  }

  say(run, words) {
    run.words = words;
    const name = run.doc.stages[run.index].name;
    this.parts.status.replaceChildren(icon("loader-2", "spin"), ` ${name}: ${words} ${duration((performance.now() - run.began) / 1000)}`);
  }

  rest() {
    clearInterval(this.clock);
    this.running = null;
    this.parts.cancel.hidden = true;
    this.root.removeAttribute("aria-busy");
  }

  /** All rows of the full input, as this document makes them now. */
  downloads(run, rows) {
    return downloadLine(this.config.urls.preview_file, () => ({ document: run.doc, to: run.index, parameters: {}, name: rows.view }));
  }

  /** Which other machines the session could and did reach: [[what, the places], …]. */
  network(told) {
    return el("p", { class: "mut small" }, `${told.map(([what, places]) => `${what}: ${places}`).join(". ")}.`);
  }

  showRows(run) {
    this.cards = false;
    const { rows } = run;
    this.last = { ...rows, key: run.key, stageText: JSON.stringify(run.doc) };
    const total = rows.total_rows ?? (rows.complete ? rows.rows.length : null);
    this.facts.put(
      run.key,
      total === null
        ? { rows: rows.rows.length, atLeast: true, words: `more than ${rows.rows.length} rows` }
        : { rows: total, atLeast: false, words: `${total.toLocaleString("en-US")} rows in the last preview` },
    );
    this.facts.put(run.key, { fails: rows.verdict?.passes === false });
    this.parts.output.classList.remove("stale");
    this.parts.copy.hidden = !rows.rows.length;
    this.parts.output.replaceChildren(
      ...this.notes(run),
      rows.rows.length ? resultTable(run.only === "values" ? errorsFirst(rows) : rows) : this.noRows(rows),
    );
    if (rows.rows.length) this.parts.output.append(this.downloads(run, rows));
    if (rows.network?.length) this.parts.output.append(this.network(rows.network));
    this.parts.output.scrollTo(0, 0);
    this.lastWords = this.describe(rows, total);
    this.parts.status.textContent = this.lastWords;
  }

  /** A check's verdict, and what is to be looked at in the values of this stage and those before it. */
  notes(run) {
    const { verdict } = run.rows;
    const judged = verdict
      ? [
          el(
            "p",
            { class: `notice ${verdict.passes ? "ok" : "bad"} in` },
            icon(verdict.passes ? "circle-check" : "circle-x"),
            el("span", {}, verdict.words),
          ),
        ]
      : [];
    const told = run.values.map((event) =>
      el(
        "div",
        { class: "notice warn in" },
        icon("alert-triangle"),
        el("span", {}, `${event.stage}: ${event.words}`),
        this.lookButton(run, event),
        this.hintButton(run, event),
      ),
    );
    const remarks = uncounted(run.remarks, run.values).map((remark) =>
      el("div", { class: "notice warn in" }, icon("alert-triangle"), el("span", {}, `${remark.stage}: ${remark.words}`)),
    );
    return [...judged, ...told, ...remarks];
  }

  lookButton(run, event) {
    if (!event.can_show || run.only === "values") return null;
    const look = () => {
      if (event.stage_index !== run.index) this.goto({ stage_index: event.stage_index, key: run.keys[event.stage_index] });
      this.start({ only: "values" });
    };
    return el("button", { type: "button", class: "btn sm", onclick: look }, icon("table"), " See these rows");
  }

  /** Leads to the query, where the hints stand with their one-click changes. */
  hintButton(run, event) {
    if (!event.hints?.length) return null;
    const change = event.hints.some((hint) => hint.edit) ? " See the change" : " See the query";
    const place = { ...event.hints[0], stage_index: event.stage_index, key: run.keys[event.stage_index] };
    return el("button", { type: "button", class: "btn sm", onclick: () => this.goto(place) }, icon("wand"), change);
  }

  describe(rows, total) {
    const of = total && !rows.complete ? ` of ${total.toLocaleString("en-US")}` : "";
    const parts = [howMany(rows) + of, rows.input === "full" ? "full input" : "sample", duration(rows.duration_ms / 1000), cutWords(rows)];
    return parts.filter(Boolean).join(" · ");
  }

  noRows(rows) {
    return el(
      "div",
      { class: "empty" },
      icon("table-off"),
      el("b", {}, "No rows"),
      el(
        "p",
        {},
        `The columns are ${rows.columns.map((column) => column.name).join(", ")}. ${rows.input === "full" ? "" : "On the full input there may be rows."}`,
      ),
    );
  }

  /** Words first; the last good rows stay below, grey, so that one can still look at them. */
  failed(run) {
    const cards = run.problems.map((problem) =>
      el(
        "div",
        { class: "tip problem-card" },
        el("b", {}, problem.message),
        problem.fix ? ` ${problem.fix}` : problem.expected ? ` Expected ${problem.expected}.` : "",
        " ",
        el(
          "button",
          { type: "button", class: "btn ghost sm", onclick: () => this.goto({ ...problem, key: run.keys[problem.stage_index] }) },
          placeOf(problem) || "show",
        ),
        problem.detail
          ? el("details", { class: "mut" }, el("summary", {}, "Technical words"), el("pre", { class: "wrap" }, problem.detail))
          : null,
      ),
    );
    this.problems.add(run.problems);
    this.withLast(cards);
    this.parts.status.textContent = this.last ? `before the problem · ${this.lastWords}` : "";
    this.cards = true;
  }

  refused(error) {
    this.cards = true;
    this.withLast([el("div", { class: "notice warn in" }, icon("alert-triangle"), el("span", {}, error.message))]);
    if (error.problems.length) this.problems.add(error.problems);
    this.parts.status.textContent = "";
  }

  withLast(nodes) {
    const table = this.last?.rows.length ? el("div", { class: "stale" }, resultTable(this.last)) : null;
    this.parts.output.classList.remove("stale");
    if (!nodes.length && !table) {
      this.idle();
      return;
    }
    this.parts.output.replaceChildren(...(nodes.length ? [el("div", { class: "cards-above" }, nodes)] : []), ...(table ? [table] : []));
  }

  message(sign, title, words) {
    this.parts.output.classList.remove("stale");
    this.parts.copy.hidden = true;
    this.parts.output.replaceChildren(el("div", { class: "empty" }, icon(sign), el("b", {}, title), el("p", {}, words)));
    this.parts.status.textContent = "";
  }

  /** The document is no longer the one these rows were made of. */
  age() {
    if (this.cards) {
      this.cards = false;
      this.withLast([]);
    }
    if (!this.last || this.running) return;
    const other = this.last.key !== this.store.chosen;
    const changed = other || this.last.stageText !== JSON.stringify(this.store.doc);
    this.parts.output.classList.toggle("stale", changed);
    this.parts.status.textContent = changed ? `${other ? "another stage" : "before your last change"} · ${this.lastWords}` : this.lastWords;
  }

  drawProblems() {
    const { list } = this.problems;
    this.parts.count.textContent = list.length && isBegun(list) ? String(list.length) : "";
    this.parts.problems.replaceChildren(problemList(list, this.goto, (problem) => connectionButton(problem, this)));
  }

  async copy() {
    await navigator.clipboard.writeText(asTabs(this.last));
    const more = this.last.complete ? "" : " There are more: take them home as a file.";
    show({
      text: `Copied ${this.last.complete ? "" : "the "}${howMany(this.last)} with their column names.${more}`,
      tone: this.last.complete ? "ok" : "warn",
    });
  }
}
