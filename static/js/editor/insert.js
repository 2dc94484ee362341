// "Add a stage": every type by kind, found by typing, each with what it does and an example.
import { dialog, el, icon } from "../dom.js";
import { allTypes, newStage } from "./stages.js";

/** Puts a stage of the type that the person picks at `at` and chooses it. */
export async function insertStage(store, at) {
  const type = await pick();
  if (type) store.insert(at, newStage(type, store, at));
  return Boolean(type);
}

function pick() {
  return dialog({
    title: "Add a stage",
    wide: true,
    body: (close) => {
      const list = el("ul", { class: "plain insert-list", id: "stage-types", tabindex: "0", role: "listbox", "aria-label": "Stage types" });
      const example = el("div", { class: "insert-example" });
      const search = el("input", {
        class: "form-control",
        type: "search",
        placeholder: "Find: csv, sql, check, write …",
        "aria-label": "Find a stage type",
        autofocus: true,
        autocomplete: "off",
        role: "combobox",
        "aria-controls": "stage-types",
        "aria-expanded": "true",
      });
      const menu = new Menu(list, example, close);
      search.addEventListener("input", () => menu.draw(search.value));
      search.addEventListener("keydown", (event) => menu.key(event));
      menu.draw("");
      return [search, el("div", { class: "insert" }, list, example)];
    },
    footer: (close) => [
      el("span", { class: "mut small grow" }, el("kbd", {}, "↑"), " ", el("kbd", {}, "↓"), " choose ", el("kbd", {}, "⏎"), " add"),
      el("button", { type: "button", class: "btn", onclick: () => close() }, "Cancel"),
    ],
  });
}

class Menu {
  constructor(list, example, close) {
    Object.assign(this, { list, example, close, place: 0, found: [] });
  }

  draw(words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (type) => `${type.type} ${type.kind} ${type.kind_title} ${type.words}`.toLowerCase();
    this.found = allTypes().filter((type) => wanted.every((word) => text(type).includes(word)));
    this.list.replaceChildren();
    let kind = null;
    this.found.forEach((type, place) => {
      if (type.kind !== kind) {
        kind = type.kind;
        this.list.append(el("li", { class: "heading", role: "presentation" }, type.kind_title));
      }
      this.list.append(this.option(type, place));
    });
    if (!this.found.length) this.list.append(el("li", { class: "heading" }, "No stage type is like that."));
    const named = this.found.findIndex((type) => type.type.toLowerCase().startsWith(words.trim().toLowerCase()));
    this.mark(Math.max(named, 0));
  }

  option(type, place) {
    return el(
      "li",
      {
        class: "insert-option",
        role: "option",
        "data-type": type.type,
        onclick: () => this.close(type.type),
        onmousemove: () => this.mark(place),
      },
      el("span", { class: "kind" }, icon(type.icon)),
      el("span", {}, el("b", {}, type.type), el("small", {}, type.words)),
    );
  }

  mark(place) {
    const options = [...this.list.querySelectorAll("[role=option]")];
    this.place = options.length ? (place + options.length) % options.length : 0;
    for (const [index, row] of options.entries()) row.setAttribute("aria-selected", String(index === this.place));
    options[this.place]?.scrollIntoView({ block: "nearest" });
    const type = this.found[this.place];
    this.example.replaceChildren(
      ...(type ? [el("b", {}, "Example"), el("pre", { class: "wrap" }, JSON.stringify(type.example, null, 2))] : []),
    );
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.mark(this.place + step);
    }
    if (event.key === "Enter") {
      event.preventDefault();
      if (this.found[this.place]) this.close(this.found[this.place].type);
    }
  }
}
