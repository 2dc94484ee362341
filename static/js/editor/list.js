// The list of stages: choose, move (drag, Alt+arrows, buttons), duplicate, delete with undo.

import { el, icon, plural } from "../dom.js";
import { show } from "../toasts.js";
import { copyOf, typeOf } from "./stages.js";

const compact = new Intl.NumberFormat("en-US");

export class StageList {
  /** `facts.of(key)` → { rows, stale } of the last preview; `problems.of(key)` → problems of the stage. */
  constructor(root, store, { facts, problems, onAdd }) {
    Object.assign(this, { root, store, facts, problems, onAdd });
    root.addEventListener("keydown", (event) => this.key(event));
    store.addEventListener("change", () => this.later());
    this.draw();
    root.dataset.drawn = "";
  }

  later() {
    if (this.waits) return;
    this.waits = requestAnimationFrame(() => {
      this.waits = null;
      this.draw();
    });
  }

  draw() {
    const hadFocus = this.root.contains(document.activeElement);
    this.root.replaceChildren(...this.store.stages.map((stage, index) => this.row(stage, index)), ...this.note());
    if (hadFocus) this.root.querySelector("[aria-current]")?.focus({ preventScroll: true });
  }

  /** A job that writes nothing is seldom meant. */
  note() {
    if (!this.store.stages.length || this.store.stages.some((stage) => /Load$/.test(stage.type) && stage.type !== "ConsoleLoad")) return [];
    return [el("li", { class: "list-note mut small" }, "This job writes nothing yet: add a load to keep its rows.")];
  }

  row(stage, index) {
    const key = this.store.keys[index];
    const on = key === this.store.chosen;
    const type = typeOf(stage);
    const button = el(
      "button",
      {
        type: "button",
        class: "stage",
        draggable: "true",
        "aria-current": on ? "true" : null,
        tabIndex: on ? 0 : -1,
        "data-index": index,
        onclick: () => this.store.choose(index),
      },
      el("span", { class: "mut num" }, String(index + 1)),
      el("span", { class: "kind", title: type.kind_title }, icon(type.icon)),
      el(
        "span",
        { class: "clip" },
        el("span", { class: "t" }, String(stage.name ?? "no name")),
        el("small", {}, String(stage.type ?? "no type")),
      ),
      this.state(key),
    );
    this.dragging(button, index);
    return el("li", { class: on ? "on" : null }, button, on ? this.tools(index) : null);
  }

  state(key) {
    const problems = this.problems.of(key);
    const facts = this.facts.of(key);
    const sign = problems.length
      ? el(
          "span",
          { title: problems[0].message },
          icon("alert-triangle", "warn"),
          el("span", { class: "visually-hidden" }, plural(problems.length, "problem")),
        )
      : facts && !facts.stale
        ? facts.fails
          ? el(
              "span",
              { title: "would stop the run" },
              icon("circle-x", "bad"),
              el("span", { class: "visually-hidden" }, "would stop the run"),
            )
          : el("span", {}, icon("check", "ok"), el("span", { class: "visually-hidden" }, "previewed"))
        : icon("circle", "mut");
    const rows =
      facts?.rows == null
        ? null
        : el(
            "span",
            { class: `mono${facts.stale ? " mut" : ""}`, title: facts.words },
            compact.format(facts.rows) + (facts.atLeast ? "+" : ""),
          );
    return el("span", { class: "stage-state" }, rows, sign);
  }

  tools(index) {
    const last = this.store.stages.length - 1;
    const tool = (name, label, work, off = false) =>
      el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, disabled: off, onclick: work }, icon(name));
    return el(
      "span",
      { class: "stage-tools", role: "group", "aria-label": "This stage" },
      tool("arrow-up", "Move up (Alt ↑)", () => this.move(index, -1), index === 0),
      tool("arrow-down", "Move down (Alt ↓)", () => this.move(index, 1), index === last),
      tool("copy", "Duplicate", () => this.duplicate(index)),
      tool("plus", "Add a stage below", () => this.onAdd(index + 1)),
      tool("trash", "Delete", () => this.remove(index)),
    );
  }

  move(index, step) {
    this.store.move(index, index + step);
    this.root.querySelector("[aria-current]")?.focus();
  }

  duplicate(index) {
    this.store.insert(index + 1, copyOf(this.store.stages[index], this.store));
  }

  remove(index) {
    const name = this.store.stages[index].name;
    this.store.remove(index);
    // Not into the query of the next stage, where Ctrl+Z would take back letters and not what was just deleted.
    this.root.querySelector("[aria-current]")?.focus();
    const after = this.store.changes;
    show({
      text: `Deleted “${name}”.`,
      tone: "info",
      lasts: 9000,
      undo: () =>
        this.store.changes === after
          ? this.store.undo()
          : show({ text: "You changed more since then; Ctrl+Z goes back step by step.", tone: "warn" }),
    });
  }

  key(event) {
    const row = event.target.closest(".stage");
    if (!row) return;
    const index = Number(row.dataset.index);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step && event.altKey) {
      event.preventDefault();
      this.move(index, step);
      return;
    }
    if (step && !event.ctrlKey) {
      event.preventDefault();
      this.store.choose(index + step);
      this.draw();
      this.root.querySelector("[aria-current]")?.focus();
      return;
    }
    if (event.key === "Delete") {
      event.preventDefault();
      this.remove(index);
    }
  }

  dragging(button, index) {
    const side = (event) => (event.offsetY > button.offsetHeight / 2 ? "drop-after" : "drop-before");
    const clear = () => button.classList.remove("drop-before", "drop-after");
    button.addEventListener("dragstart", (event) => {
      event.dataTransfer.setData("text/x-sluice-stage", String(index));
      event.dataTransfer.effectAllowed = "move";
      button.classList.add("dragging");
    });
    button.addEventListener("dragend", () => button.classList.remove("dragging"));
    button.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("text/x-sluice-stage")) return;
      event.preventDefault();
      clear();
      button.classList.add(side(event));
    });
    button.addEventListener("dragleave", clear);
    button.addEventListener("drop", (event) => {
      event.preventDefault();
      const from = Number(event.dataTransfer.getData("text/x-sluice-stage"));
      const to = index + (side(event) === "drop-after" ? 1 : 0);
      clear();
      this.store.move(from, from < to ? to - 1 : to);
    });
  }
}
