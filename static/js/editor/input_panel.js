// "Input": the first rows of the views that the chosen stage reads, one beside the other by their names.
import { el } from "../dom.js";
import { howMany, putRows } from "../rows.js";
import { fieldsOf } from "./stages.js";

/** Views made by earlier stages that this stage names in a field or in its SQL. */
export function inputsOf(store) {
  const { stage } = store;
  if (!stage) return [];
  const named = fieldsOf(stage)
    .filter((field) => field.widget === "view")
    .map((field) => String(stage[field.name] ?? "").toLowerCase());
  const reads = (view) =>
    named.includes(view.name.toLowerCase()) ||
    (typeof stage.sql === "string" && new RegExp(`\\b(from|join)\\s+\`?${view.name}\\b`, "i").test(stage.sql));
  return store.viewsBefore(store.index).filter(reads);
}

export class InputPanel {
  /** help: { tab, panel, store, urls, started() }: `started` is called once Spark has answered. */
  constructor(help) {
    Object.assign(this, help, { shown: null });
    this.tab.addEventListener("tab:chosen", () => this.open());
    this.store.addEventListener("change", () => this.follow());
    this.follow();
  }

  /** The tab names what it would show; a stage that reads no view has none. */
  follow() {
    const views = inputsOf(this.store);
    this.tab.hidden = !views.length;
    this.tab.textContent = views.length === 1 ? `Input: ${views[0].name}` : `Inputs ${views.length}`;
    if (this.panel.hidden) return;
    if (!views.length) document.getElementById("tab-output").click();
    else if (!views.some((view) => view.name === this.shown)) this.open();
  }

  open() {
    const views = inputsOf(this.store);
    if (views.length) this.show(views.find((view) => view.name === this.shown) ?? views[0], views);
  }

  async show(view, views) {
    this.asking?.abort();
    this.asking = new AbortController();
    this.shown = view.name;
    const choice =
      views.length > 1
        ? el(
            "div",
            { class: "in" },
            el(
              "div",
              { class: "segmented", role: "group", "aria-label": "Input view" },
              views.map((one) =>
                el("button", { type: "button", "aria-pressed": String(one === view), onclick: () => this.show(one, views) }, one.name),
              ),
            ),
          )
        : null;
    const put = (...nodes) => this.panel.replaceChildren(...(choice ? [choice] : []), ...nodes);
    const body = { document: this.store.doc, to: view.index, rows: 100, input: "sample", parameters: {} };
    const rows = await putRows({
      url: this.urls.preview,
      body,
      signal: this.asking.signal,
      name: view.name,
      put,
      about: (answer) => `${howMany(answer)} of a sample`,
    });
    if (rows) this.started();
  }
}
