// Order and filters of a result. They are a further query over the whole of it, so rows that are not shown are sorted and searched, too.
import { el, icon } from "../dom.js";

const ALONE = new Set(["is empty", "is not empty"]);

/** The same words as a person would read them: “delay > 10”. */
export const wordsOf = ({ column, how, value }) => `${column} ${how}${ALONE.has(how) ? "" : ` ${value}`}`;

export class ShapeLine {
  /** help: { filters: what may be asked, change() } */
  constructor(help) {
    this.help = help;
    this.clear();
  }

  clear() {
    Object.assign(this, { order: "", descending: false, filters: [] });
  }

  get body() {
    return { order: this.order, descending: this.descending, filters: this.filters };
  }

  get words() {
    const sorted = this.order ? [`sorted by ${this.order}${this.descending ? ", largest first" : ""}`] : [];
    return [...sorted, ...(this.filters.length ? ["filtered"] : [])].join(", ");
  }

  /** Adds a button to the head of a column: up, down, and as it came. */
  head(th, column, isOnly) {
    const is = this.order === column.name;
    if (is) th.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
    if (!isOnly(column.name)) return th;
    const next = !is ? `Sort by ${column.name}` : this.descending ? `${column.name} as it came` : `Sort by ${column.name}, largest first`;
    const button = el(
      "button",
      { type: "button", class: "icon-button sort", "aria-label": next, title: next, onclick: () => this.turn(column.name) },
      icon(is ? (this.descending ? "arrow-down" : "arrow-up") : "arrows-sort", is ? "" : "mut"),
    );
    (th.querySelector("small") ?? th.lastChild).before(button);
    return th;
  }

  turn(name) {
    if (this.order !== name) Object.assign(this, { order: name, descending: false });
    else if (this.descending) Object.assign(this, { order: "", descending: false });
    else this.descending = true;
    this.help.change();
  }

  /** The filters as chips, and a small form for one more. */
  line(columns) {
    const chips = this.filters.map((filter) =>
      el(
        "button",
        { type: "button", class: "chip on", "aria-label": `Take away: ${wordsOf(filter)}`, onclick: () => this.remove(filter) },
        icon("filter"),
        wordsOf(filter),
        icon("x"),
      ),
    );
    const add = el("button", { type: "button", class: "btn sm ghost" }, icon("filter", "mut"), " Filter");
    const box = el("div", { class: "flow tight filter-line" }, chips, add);
    add.addEventListener("click", () => {
      add.replaceWith(this.form(columns));
      box.querySelector("[name=value]").focus();
    });
    return box;
  }

  form(columns) {
    const [column, how] = [columns.map(({ name }) => name), this.help.filters].map((words, place) =>
      el(
        "select",
        { class: "form-select sm auto", "aria-label": place ? "How" : "Column" },
        words.map((word) => el("option", { value: word }, word)),
      ),
    );
    const value = el("input", {
      class: "form-control sm auto",
      name: "value",
      "aria-label": "Value",
      autocomplete: "off",
      spellcheck: "false",
    });
    how.addEventListener("change", () => {
      value.hidden = ALONE.has(how.value);
    });
    const form = el("form", { class: "flow tight" }, column, how, value, el("button", { class: "btn sm" }, "Apply"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.filters = [...this.filters, { column: column.value, how: how.value, value: ALONE.has(how.value) ? "" : value.value }];
      this.help.change();
    });
    return form;
  }

  remove(filter) {
    this.filters = this.filters.filter((one) => one !== filter);
    this.help.change();
  }
}
