// The tables that a query may read: a tree by folder; a click puts a name into the text, the arrow shows the columns.
import { el, icon } from "../dom.js";
import { typeIcon } from "../result_table.js";
import { request } from "../server.js";
import { quoted } from "./names.js";

export class Tables extends EventTarget {
  constructor(root, filter, config) {
    super();
    Object.assign(this, { root, config, tables: config.tables });
    filter?.addEventListener("input", () => this.draw(filter.value));
    if (root) this.draw("");
  }

  /** As the editor's completion wants them. */
  known() {
    return this.tables.filter((table) => table.name).map(({ name, columns }) => ({ name, columns: columns ?? [] }));
  }

  /** What an answer or a look told of a table. */
  learn({ name, columns, words, questions }) {
    const table = this.tables.find((one) => one.name === name);
    if (!table) return;
    Object.assign(table, { columns: columns ?? table.columns, words, questions });
    this.dispatchEvent(new Event("learned"));
  }

  draw(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = this.tables.filter((table) => wanted.every((word) => textOf(table).includes(word)));
    const folders = Map.groupBy ? Map.groupBy(shown, (table) => table.folder) : grouped(shown);
    this.root.replaceChildren(
      ...[...folders].map(([folder, list]) =>
        el(
          "li",
          {},
          el("div", { class: "heading mut small" }, folder || "at the top"),
          el(
            "ul",
            { class: "plain" },
            list.map((table) => this.line(table)),
          ),
        ),
      ),
      ...(shown.length ? [] : [el("li", { class: "mut in" }, "No table is called so.")]),
    );
  }

  line(table) {
    const columns = el("ul", { class: "plain table-columns", hidden: true });
    const arrow = el(
      "button",
      { type: "button", class: "icon-button", "aria-expanded": "false", "aria-label": `Columns of ${table.name || table.uri}` },
      icon("chevron-right"),
    );
    arrow.addEventListener("click", () => this.toggle(table, arrow, columns));
    const name = table.name
      ? el(
          "button",
          {
            type: "button",
            class: "name mono clip",
            title: `${table.uri}: ${table.kind}`,
            onclick: () => this.choose(table.name, this.startOf(table)),
          },
          table.name,
        )
      : el("span", { class: "mut clip", title: "Another table has this name, too. Rename one of them." }, table.uri);
    if (!this.config.may_ask) return el("li", { class: "table-line" }, icon(table.icon, "mut"), name);
    return el("li", {}, el("div", { class: "table-line" }, table.name ? arrow : icon("alert-triangle", "warn"), name), columns);
  }

  /** `start`: what is written into an empty text instead of the name. */
  choose(name, start = name) {
    this.dispatchEvent(new CustomEvent("choose", { detail: { name, start } }));
  }

  startOf({ name }) {
    return `SELECT *\nFROM ${name}\nLIMIT 100`;
  }

  async toggle(table, arrow, list) {
    list.hidden = !list.hidden;
    arrow.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) return;
    if (!table.columns) {
      list.replaceChildren(el("li", { class: "mut small" }, "looking at it …"));
      try {
        this.learn({ name: table.name, ...(await request(this.config.urls.columns, { method: "POST", body: { table: table.name } })) });
      } catch (error) {
        list.replaceChildren(el("li", { class: "small" }, error.message));
        return;
      }
    }
    list.replaceChildren(...this.columnLines(table));
  }

  columnLines({ columns, questions }) {
    const lines = (columns ?? []).map((column) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: "name mono clip", title: column.type, onclick: () => this.choose(quoted(column.name)) },
          icon(typeIcon(column.type), "mut"),
          " ",
          column.name,
        ),
      ),
    );
    if (!lines.length) lines.push(el("li", { class: "mut small" }, "They show once a query has read it."));
    return [...lines, ...(questions ?? []).map((words) => el("li", { class: "small warn" }, icon("help-circle"), " ", words))];
  }
}

const textOf = ({ name, uri, columns }) => [name, uri, ...(columns ?? []).map((column) => column.name)].join(" ").toLowerCase();

function grouped(tables) {
  const found = new Map();
  for (const table of tables) found.set(table.folder, [...(found.get(table.folder) ?? []), table]);
  return found;
}
