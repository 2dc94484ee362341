// What is wrong with the document: judged by the server at each pause in typing, and by Spark where a preview session is up.

import { debounced, el, icon, plural } from "../dom.js";
import { lines } from "../lines.js";
import { request } from "../server.js";

const CHECK_AFTER = 400;
const ANALYSE_AFTER = 700;

export class Problems extends EventTarget {
  /** `columns`: view → columns, as the last analysis knew them. */
  constructor(store, urls, mayPreview) {
    super();
    Object.assign(this, {
      store,
      urls,
      mayPreview,
      list: [],
      columns: new Map(),
      sessionIsUp: false,
      analysed: [],
      checked: [],
      hinted: [],
    });
    this.checkSoon = debounced(() => this.check(), CHECK_AFTER);
    this.analyseSoon = debounced(() => this.analyse(), ANALYSE_AFTER);
    store.addEventListener("change", (event) => {
      if (event.detail.what !== "choice") this.changed();
    });
    this.check();
  }

  /** Problems of one stage, by its key. */
  of(key) {
    return this.list.filter((problem) => problem.key === key);
  }
  columnsOf(view) {
    return this.columns.get(view?.toLowerCase()) ?? [];
  }

  changed() {
    this.checkSoon();
    if (this.sessionIsUp) this.analyseSoon();
    else this.warm();
  }

  /** Who changes something will want columns and a preview soon: the session is started while they type. */
  async warm() {
    if (this.warming || !this.mayPreview) return;
    this.warming = true;
    try {
      await lines(this.urls.warm, {}, undefined, (event) => {
        if (event.event === "warm") this.sessionUp();
      });
    } catch {
      /* a preview will tell why */
    }
  }

  async check() {
    this.checkSoon.cancel();
    this.checking?.abort();
    this.checking = new AbortController();
    const keys = this.store.keys;
    try {
      const answer = await request(this.urls.check, {
        method: "POST",
        body: { document: this.store.text() },
        signal: this.checking.signal,
      });
      this.checked = keyed(answer.problems, keys);
      this.tell();
    } catch {
      /* aborted by the next check, or the connection is gone: the draft's banner says so */
    }
  }

  /** Spark's own words on the document; only while a warm session is there, as starting one takes seconds. */
  async analyse() {
    this.analysing?.abort();
    if (this.store.broken || !this.store.stages.length) return;
    this.analysing = new AbortController();
    const keys = this.store.keys;
    const found = [];
    try {
      await lines(this.urls.analyse, { document: this.store.doc, to: null }, this.analysing.signal, (event) => {
        if (event.event === "problem") found.push(event.problem);
        if (event.event === "analysed") this.learn(event.columns);
      });
    } catch {
      return;
    }
    this.analysed = keyed(found, keys);
    this.tell();
  }

  learn(columns) {
    this.columns = new Map(Object.entries(columns ?? {}).map(([view, list]) => [view.toLowerCase(), list]));
    this.dispatchEvent(new Event("columns"));
  }

  /** A preview or a save told problems; they are shown like any others until the next check. */
  add(problems) {
    this.analysed = keyed(problems, this.store.keys);
    this.tell();
  }

  /** What the last preview has seen in the values of a query: it holds until its stage is changed. */
  hint(problems) {
    this.hinted = keyed(problems, this.store.keys).map((problem) => ({ ...problem, seen: this.store.stages[problem.stage_index] }));
    this.tell();
  }

  sessionUp() {
    if (!this.sessionIsUp) {
      this.sessionIsUp = true;
      this.analyseSoon();
    }
  }

  tell() {
    const known = new Set();
    this.hinted = this.hinted.filter(({ key, seen }) => this.store.stages[this.store.indexOf(key)] === seen);
    this.list = [...this.checked, ...this.analysed, ...this.hinted].filter((problem) => {
      const sign = JSON.stringify([problem.key, problem.field, problem.line, problem.column, problem.message]);
      return !known.has(sign) && known.add(sign);
    });
    this.list.sort((one, other) => (one.stage_index ?? -1) - (other.stage_index ?? -1));
    this.dispatchEvent(new Event("change"));
  }
}

const keyed = (problems, keys) =>
  problems.map((problem) => ({ ...problem, key: problem.stage_index === undefined ? null : keys[problem.stage_index] }));

/** Whether no version can be saved with it; a warning stops nobody. */
export const stops = (problem) => problem.severity !== "warning";

/** Whether all there is to say is that the job is yet to be begun. */
export const isBegun = (list) => !(list.length === 1 && list[0].code === "no-stages");

/** How many problems and how many warnings these are: together as many as the list has. */
export function counted(list) {
  const faults = list.filter(stops).length;
  const parts = [faults && plural(faults, "problem"), list.length > faults && plural(list.length - faults, "warning")];
  return parts.filter(Boolean).join(", ") || "no problems";
}

/** The list in the panel: each problem is a button that leads to its place; `mend` gives another that mends it, or null. */
export function problemList(problems, goto, mend = () => null) {
  if (!problems.length)
    return el(
      "div",
      { class: "empty" },
      icon("circle-check", "ok"),
      el("b", {}, "No problems"),
      el("p", {}, "Columns and functions are checked once a preview has been started."),
    );
  return el(
    "ul",
    { class: "problems in" },
    problems.map((problem) =>
      el(
        "li",
        { class: stops(problem) ? "problem" : "problem warning" },
        stops(problem) ? icon("alert-circle", "bad") : icon("alert-triangle", "warn"),
        el(
          "div",
          {},
          el("button", { type: "button", class: "problem-link", onclick: () => goto(problem) }, problem.message),
          problem.found ? [" Found ", el("code", {}, problem.found), "."] : null,
          problem.expected ? ` Expected ${problem.expected}.` : null,
          problem.fix ? ` ${problem.fix}` : null,
          " ",
          mend(problem),
        ),
        el("span", { class: "where" }, placeOf(problem)),
      ),
    ),
  );
}

export function placeOf(problem) {
  const parts = [];
  if (problem.stage_index !== undefined) parts.push(`stage ${problem.stage_index + 1}${problem.stage ? ` “${problem.stage}”` : ""}`);
  if (problem.field) parts.push(problem.field);
  if (problem.line) parts.push(`line ${problem.line}${problem.column ? `:${problem.column}` : ""}`);
  return parts.join(" · ");
}
