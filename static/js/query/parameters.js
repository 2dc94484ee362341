// The values of ${name} in a query: a small form below the text, one field for each name in it.
import { el } from "../dom.js";

const PLACE = /\$\{\s*([A-Za-z_]\w*)\s*\}/g;
const RESERVED = new Set(["environment", "run_id"]);
const WORDS = { string: "text", integer: "whole number", decimal: "number", boolean: "yes / no", date: "date", timestamp: "date and time" };
const EXAMPLE = { integer: "2013", decimal: "12.5", timestamp: "2026-01-31 18:00:00" };

/** Names of the parameters in a text, each once, without those that Sluice itself sets. */
export const namesIn = (sql) => [...new Set([...sql.matchAll(PLACE)].map(([, name]) => name))].filter((name) => !RESERVED.has(name));

export class Parameters {
  constructor(root, types, ask) {
    Object.assign(this, { root, types, ask, known: {}, names: [] });
  }

  /** What was saved: { name: { type, value } }. */
  set(known) {
    this.known = { ...known };
    this.names = [];
  }

  follow(sql) {
    const names = namesIn(sql);
    if (names.join() === this.names.join()) return;
    this.names = names;
    for (const name of names) this.known[name] ??= { type: "string", value: "" };
    this.root.hidden = !names.length;
    this.root.replaceChildren(...names.map((name) => this.field(name)));
  }

  /** Of the names in the text. */
  values() {
    return Object.fromEntries(this.names.map((name) => [name, { ...this.known[name] }]));
  }

  field(name) {
    const box = el("div", { class: "field parameter", "data-parameter": name });
    this.fill(box, name);
    return box;
  }

  fill(box, name) {
    const known = this.known[name];
    const type = el(
      "select",
      { class: "form-select sm auto", "aria-label": `Type of ${name}` },
      this.types.map((kind) => el("option", { value: kind, selected: kind === known.type }, WORDS[kind] ?? kind)),
    );
    type.addEventListener("change", () => {
      this.known[name] = { type: type.value, value: type.value === "boolean" ? "true" : "" };
      this.fill(box, name);
      box.querySelector("[data-value]").focus();
    });
    box.replaceChildren(
      el("label", { class: "mono", for: `parameter-${name}` }, name),
      el("div", { class: "flow tight" }, this.value(name), type),
    );
  }

  value(name) {
    const known = this.known[name];
    const take = (event) => {
      known.value = event.target.value;
      event.target.removeAttribute("aria-invalid");
    };
    const shared = { id: `parameter-${name}`, "data-value": true, onchange: take, oninput: take };
    if (known.type === "boolean")
      return el(
        "select",
        { class: "form-select sm auto", ...shared },
        ["true", "false"].map((word) =>
          el("option", { value: word, selected: word === String(known.value) }, word === "true" ? "yes" : "no"),
        ),
      );
    const field = el("input", {
      class: "form-control sm",
      type: known.type === "date" ? "date" : "text",
      inputmode: known.type === "integer" ? "numeric" : known.type === "decimal" ? "decimal" : null,
      placeholder: EXAMPLE[known.type],
      autocomplete: "off",
      spellcheck: "false",
      value: String(known.value ?? ""),
      ...shared,
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.ask();
    });
    return field;
  }

  /** Shows which value a problem is about. */
  blame(problems) {
    for (const { field = "" } of problems) {
      const name = /^parameters\.(\w+)/.exec(field)?.[1];
      this.root.querySelector(`[data-parameter="${name}"] [data-value]`)?.setAttribute("aria-invalid", "true");
    }
  }
}
