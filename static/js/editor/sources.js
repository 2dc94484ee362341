// Files and tables that a job can read; a click makes the stage that reads one.

import { el, icon } from "../dom.js";
import { request } from "../server.js";
import { inShort, nameFromFile, newStage, typeOf } from "./stages.js";

const SHOWN = 40;

export class Sources {
  constructor(root, store, url) {
    Object.assign(this, { root, store, url, list: [], words: "" });
    this.load(url);
  }

  reload() {
    return this.load(this.url);
  }

  async load(url) {
    try {
      const answer = await request(url);
      this.list = answer.sources;
      this.isCut = answer.more;
      this.environment = answer.environment;
      this.draw();
    } catch {
      this.root.replaceChildren(el("p", { class: "mut small" }, "They cannot be listed just now."));
    }
  }

  uris() {
    return this.list.map((source) => source.uri);
  }

  /** One field for as long as the list lives: drawing anew must not lose what is being typed. */
  searchField() {
    this.search ??= el("input", {
      class: "form-control sm",
      type: "search",
      placeholder: "find",
      "aria-label": "Find a source",
      oninput: (event) => {
        this.words = event.target.value.toLowerCase();
        this.draw();
        event.target.focus();
      },
    });
    return this.search;
  }

  draw() {
    if (!this.list.length) {
      this.root.replaceChildren(
        el("p", { class: "mut small" }, `There is nothing in ${this.environment}'s lake yet. Upload one: drop it anywhere on this page.`),
      );
      return;
    }
    const found = this.list.filter((source) => source.uri.toLowerCase().includes(this.words));
    const search = this.list.length > 8 ? [this.searchField()] : [];
    const left = found.length - SHOWN;
    const more = left > 0 ? el("li", { class: "mut small" }, `and ${left} more`) : null;
    const cut = this.isCut ? el("li", { class: "mut small" }, "There is more in the lake than is listed here.") : null;
    this.root.replaceChildren(
      ...search,
      el(
        "ul",
        { class: "plain" },
        found.slice(0, SHOWN).map((source) => el("li", {}, this.row(source))),
        more,
        cut,
      ),
    );
  }

  row(source) {
    const words = source.stage_type ? `Add a stage that reads ${source.uri}` : `Sluice has no stage for ${source.uri}`;
    return el(
      "button",
      {
        type: "button",
        class: "source",
        title: words,
        disabled: !source.stage_type,
        onclick: (event) => this.look(source, event.currentTarget),
      },
      icon(source.is_folder ? "table" : "file-text", "mut"),
      el("span", { class: "clip" }, inShort(source.uri)),
    );
  }

  /** Adds the stage as a look at the file would read it, so that the next file of the same name is held against what is seen now. What a
   * job wrote may get more columns, and is read as it is. */
  async look(source, button) {
    if (button.hasAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    const how = source.is_folder || !this.howItIsRead ? {} : await this.howItIsRead(source);
    button.removeAttribute("aria-busy");
    this.add(source, how);
  }

  /** Behind the last stage that reads, so that reading stays together. `how`: fields of it that are known of the file. */
  add(source, how = {}) {
    const at = this.store.stages.findLastIndex((stage) => typeOf(stage).kind === "extract") + 1;
    const name = nameFromFile(source.uri);
    this.store.insert(
      at,
      newStage(source.stage_type, this.store, at, { name, inputURI: source.uri, outputView: name, ...headerOf(source), ...how }),
    );
  }
}

const headerOf = (source) => (source.stage_type === "DelimitedExtract" ? { header: true } : {});
