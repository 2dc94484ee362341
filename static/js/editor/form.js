// The chosen stage: its fields drawn from its type; a query gets the room, its other fields a line above it.

import { el, icon, plural } from "../dom.js";
import { request } from "../server.js";
import { show } from "../toasts.js";
import { connectionButton } from "./connection_button.js";
import { replacementOf } from "./fixes.js";
import { stops } from "./problems.js";
import { SqlEditor } from "./sql.js";
import { fieldsOf, sqlField, typeOf } from "./stages.js";
import { widget } from "./widgets.js";

const FIELDS_OF_VIEWS = {
  viewFields: (stage) =>
    fieldsOf(stage)
      .filter((field) => field.widget === "view" || field.widget === "views")
      .map((field) => field.name),
  sqlField: (stage) => sqlField(stage)?.name,
};
const topOf = (field) => String(field ?? "").split(/[.[]/)[0];

/** help: { config, store, problems, columnsOf(view), suggestions(field, index, typed, again), preview(), parameters: node maker } */
export class StageForm {
  constructor(root, help) {
    Object.assign(this, { root, ...help, widgets: new Map(), sql: null, more: false });
    this.store.addEventListener("change", (event) => this.changed(event.detail));
    this.problems.addEventListener("change", () => this.mark());
    this.draw();
  }

  changed(detail) {
    if (this.hidden || detail.what === "text") return;
    const same = this.key === this.store.chosen && this.type === this.store.stage?.type;
    if (!same) {
      this.draw();
      return;
    }
    if (detail.source !== this) this.refresh();
    this.showBelow();
  }

  draw() {
    this.sql?.destroy();
    this.sql = null;
    this.widgets.clear();
    const stage = this.store.stage;
    this.key = this.store.chosen;
    this.type = stage?.type;
    if (!stage) {
      this.root.replaceChildren(this.empty());
      return;
    }
    const type = typeOf(stage);
    const query = sqlField(stage);
    const shown = type.fields.filter((field) => field !== query && !field.advanced);
    const advanced = type.fields.filter((field) => field !== query && field.advanced);
    const set = advanced.filter((field) => stage[field.name] !== undefined);
    const belongs = (field) => shown.find((other) => Object.keys(field.when ?? {}).includes(other.name));
    this.below = [];
    this.advanced = el(
      "div",
      { class: "fields advanced", hidden: !this.more },
      advanced.filter((field) => !belongs(field)).map((field) => this.field(field)),
    );
    const toggle = el(
      "button",
      { type: "button", class: "btn ghost sm more", "aria-expanded": String(this.more), onclick: () => this.toggleMore(toggle) },
      "More fields",
      set.length ? el("span", { class: "chip mut" }, String(set.length)) : null,
      icon("chevron-down"),
    );
    const fields = el(
      "div",
      { class: query ? "fields-line" : "fields" },
      shown.map((field) => [this.field(field, Boolean(query)), this.fieldsBelow(advanced.filter((other) => belongs(other) === field))]),
    );
    const foot = query
      ? [this.parameters(), el("span", { class: "grow" }), this.formatButton(), toggle]
      : el("div", { class: "form-foot" }, toggle, this.parameters());
    const head = el("div", { class: `form-head${query ? " inline" : ""}` }, this.title(type), fields, foot);
    this.root.replaceChildren(head, this.advanced);
    if (query) this.drawSql(stage, query);
    this.tips = el("div", { class: "tips", "aria-live": "polite" });
    this.root.append(this.tips);
    this.root.scrollTop = 0;
    this.mark();
  }

  title(type) {
    return el("p", { class: "stage-words mut" }, icon(type.icon), el("b", { class: "ink" }, type.type), " ", type.words);
  }

  empty() {
    const none = !this.store.stages.length;
    return el(
      "div",
      { class: "empty" },
      icon("stack-2"),
      el("b", {}, none ? "Add your first stage" : "Choose a stage"),
      el("p", {}, "A job is a list of stages. Most begin by reading a file, make a new view with SQL, check it and write it."),
      el(
        "div",
        { class: "flow tight" },
        el(
          "button",
          { type: "button", class: "btn primary", onclick: () => this.onAdd(this.store.stages.length) },
          icon("plus"),
          "Add a stage",
        ),
      ),
      none ? el("div", { class: "first-steps" }, this.firstSteps()) : null,
    );
  }

  firstSteps() {
    const steps = [
      ["DelimitedExtract", "download", "Read a CSV file"],
      ["ParquetExtract", "table", "Read a table"],
      ["SQLTransform", "code", "Write SQL"],
    ];
    return steps.map(([type, sign, words]) =>
      el("button", { type: "button", class: "btn", onclick: () => this.onFirst(type) }, icon(sign), words),
    );
  }

  field(field, inline = false) {
    const id = `field-${field.name}`;
    const index = () => this.store.indexOf(this.key);
    const made = widget(field, this.store.stage[field.name], (value) => this.store.setField(index(), field.name, value, this), {
      id,
      environments: this.config.environments,
      suggestions: (of, typed, again) => this.suggestions(of, index(), typed, again),
      takeInput: this.config.may.preview && this.store.stage.inputView !== undefined ? () => this.inputColumns(index()) : null,
    });
    made.input?.setAttribute("id", id);
    made.input?.setAttribute("aria-describedby", `${id}-wrong ${id}-hint`);
    if (field.widget === "new-view") this.usesFollow(made.input, index);
    const wide = ["columns", "map"].includes(field.widget);
    const wrong = el("div", { id: `${id}-wrong`, class: "wrongs" });
    this.widgets.set(field.name, { ...made, wrong, index });
    const label = made.labelled ? null : el("label", { for: id, title: inline ? field.help : null }, field.label);
    const unused = field.unused ? el("span", { class: "hint unused" }, icon("info-circle"), ` Has no effect: ${field.unused}.`) : null;
    const hint = field.help && !inline ? el("span", { class: "hint", id: `${id}-hint` }, field.help) : null;
    return el(
      "div",
      { class: `field${wide ? " full" : ""}${inline ? " inline" : ""} widget-${field.widget}` },
      label,
      made.node,
      hint,
      unused,
      wrong,
    );
  }

  /** What counts only with certain choices of a field stands below it. */
  fieldsBelow(fields) {
    if (!fields.length) return null;
    const rows = fields.map((field) => ({ field, node: this.field(field) }));
    const group = el(
      "div",
      { class: "fields below full" },
      rows.map(({ node }) => node),
    );
    this.below.push({ group, rows });
    return group;
  }

  /** They are seen with “More fields” and such a choice; and always while they say something, or something is wrong with them. */
  showBelow() {
    const stage = this.store.stage;
    const chosen = (name) => stage[name] ?? typeOf(stage).fields.find((field) => field.name === name)?.default;
    for (const { group, rows } of this.below) {
      for (const { field, node } of rows) {
        const counts = Object.entries(field.when).every(([name, choices]) => choices.includes(chosen(name)));
        const speaks = stage[field.name] !== undefined || node.querySelector(".wrong") || node.contains(document.activeElement);
        node.hidden = !(speaks || (this.more && counts));
      }
      group.hidden = rows.every(({ node }) => node.hidden);
    }
  }

  isMore(node) {
    return this.advanced.contains(node) || this.below.some(({ group }) => group.contains(node));
  }

  showMore() {
    this.more = true;
    this.advanced.hidden = false;
    this.showBelow();
  }

  /** The columns and types of what the stage reads, as the server sees them: { schema, words }. */
  inputColumns(index) {
    return request(this.config.urls.input_columns, { method: "POST", body: { document: this.store.doc, to: index } });
  }

  /** When a view's name was typed anew, what reads it further down is changed with it. */
  usesFollow(input, index) {
    let before = null;
    input.addEventListener("focus", () => {
      before = { name: input.value, mark: this.store.history };
    });
    input.addEventListener("change", () => {
      const name = input.value.trim();
      if (!before?.name || !/^[A-Za-z_]\w*$/.test(name) || name === before.name) return;
      const uses = this.store.renameUses(index(), before.name, name, FIELDS_OF_VIEWS, before.mark);
      if (uses)
        show({
          text: `${plural(uses, "stage")} that read ${before.name} now read${uses === 1 ? "s" : ""} ${name}.`,
          undo: () => this.store.undo(),
        });
      before = { name, mark: this.store.history };
    });
  }

  drawSql(stage, query) {
    const host = el("div", { class: "sql-host" });
    this.root.append(host);
    const key = this.key;
    this.sql = new SqlEditor(host, typeof stage[query.name] === "string" ? stage[query.name] : "", {
      views: () => this.store.viewsBefore(this.store.indexOf(key)).map((view) => ({ name: view.name, columns: this.columnsOf(view.name) })),
      parameters: () => [...Object.keys(this.store.parameters), "environment", "run_id"],
      // A stage that can do without a query has none, rather than an empty one.
      change: (text) => this.store.setField(this.store.indexOf(key), query.name, text.trim() || query.required ? text : undefined, this),
      placeholder: query.dialect ? "A statement in the database's own SQL" : undefined,
      preview: () => this.preview(),
      format: () => this.format(),
    });
    this.sqlName = query.name;
    if (!this.quiet) this.sql.focus();
  }

  formatButton() {
    return el(
      "button",
      { type: "button", class: "btn ghost sm", title: "Lay the SQL out (Shift Alt F)", onclick: () => this.format() },
      icon("wand"),
      "Format",
    );
  }

  async format() {
    if (!this.sql) return;
    try {
      const answer = await request(this.config.urls.format, { method: "POST", body: { sql: this.sql.text() } });
      if (answer.sql !== this.sql.text()) this.sql.replaceAll(answer.sql);
    } catch (error) {
      show({ text: error.message, tone: "warn" });
    }
  }

  toggleMore(button) {
    this.more = !this.more;
    this.advanced.hidden = !this.more;
    this.showBelow();
    button.setAttribute("aria-expanded", String(this.more));
  }

  /** Values changed elsewhere (undo, JSON, merge). */
  refresh() {
    const stage = this.store.stage;
    for (const [name, made] of this.widgets) made.set(stage[name]);
    this.sql?.set(typeof stage[this.sqlName] === "string" ? stage[this.sqlName] : "");
  }

  learnColumns() {
    this.sql?.learn();
  }

  mark() {
    if (!this.store.stage || !this.tips) return;
    const mine = this.problems.of(this.key);
    for (const [name, made] of this.widgets) {
      const wrong = mine.filter((problem) => topOf(problem.field) === name);
      made.input?.setAttribute("aria-invalid", String(wrong.some(stops)));
      made.wrong.replaceChildren(...wrong.map((problem) => this.said(problem, made)));
      if (wrong.length && this.advanced.contains(made.node) && !this.more) this.advanced.hidden = false;
    }
    this.showBelow();
    const inSql = this.sql ? mine.filter((problem) => topOf(problem.field) === this.sqlName) : [];
    this.sql?.mark(inSql);
    const elsewhere = mine.filter((problem) => !inSql.includes(problem) && !this.widgets.has(topOf(problem.field)));
    this.tips.replaceChildren(...[...inSql, ...elsewhere].slice(0, 4).map((problem) => this.tip(problem)));
  }

  /** The problem below its field. */
  said(problem, made) {
    const [kind, sign] = stops(problem) ? ["wrong", "alert-circle"] : ["wrong warn", "alert-triangle"];
    return el("p", { class: kind }, icon(sign), words(problem), this.fixButton(problem, made), connectionButton(problem, this));
  }

  /** The problem as a card below the query, with the button that mends it. */
  tip(problem) {
    const fix = this.sql && topOf(problem.field) === this.sqlName ? replacementOf(problem) : null;
    const place = problem.line
      ? el("button", { type: "button", class: "btn ghost sm", onclick: () => this.sql?.goto(problem) }, `line ${problem.line}`)
      : null;
    return el(
      "div",
      { class: problem.severity === "warning" ? "tip warn" : "tip" },
      el("b", {}, problem.message),
      " ",
      fix
        ? [
            "Did you mean ",
            el("span", { class: "mono" }, fix.by),
            "? ",
            el("button", { type: "button", class: "btn sm", onclick: () => this.sql.replace(problem) }, icon("wand"), "Replace"),
          ]
        : [problem.expected && !problem.fix ? `Expected ${problem.expected}. ` : "", problem.fix ?? ""],
      " ",
      this.mendButton(problem),
      connectionButton(problem, this),
      place,
      problem.detail
        ? el("details", { class: "mut" }, el("summary", {}, "Technical words"), el("pre", { class: "wrap" }, problem.detail))
        : null,
    );
  }

  /** For a problem that brings the change along. */
  mendButton(problem) {
    if (!problem.edit || !this.sql || topOf(problem.field) !== this.sqlName) return null;
    return el("button", { type: "button", class: "btn sm", onclick: () => this.sql.mend(problem) }, icon("wand"), problem.edit.says);
  }

  fixButton(problem, made) {
    const fix = replacementOf(problem);
    if (!fix || !["INPUT", "SELECT"].includes(made.input?.tagName) || made.input.type === "checkbox") return null;
    const apply = () => {
      this.store.setField(made.index(), topOf(problem.field), fix.by);
      made.set(fix.by);
    };
    return el("button", { type: "button", class: "btn sm", onclick: apply }, icon("wand"), `Use ${fix.by}`);
  }

  /** Puts the cursor where a problem of the chosen stage is. */
  goto(problem) {
    const name = topOf(problem.field);
    if (this.sql && (name === this.sqlName || !name)) {
      this.sql.goto(problem);
      return;
    }
    const made = this.widgets.get(name);
    if (!made) return;
    if (this.isMore(made.node)) this.showMore();
    made.input?.focus();
    made.node.scrollIntoView({ block: "center" });
  }
}

export function words(problem) {
  return el("span", {}, problem.message, problem.fix ? ` ${problem.fix}` : problem.expected ? ` Expected ${problem.expected}.` : "");
}
