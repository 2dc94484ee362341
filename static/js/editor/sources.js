// Where a job reads and writes: the roots of its environment, and the files and tables in them; a click makes the stage that reads one.

import { el, icon } from "../dom.js";
import { request } from "../server.js";
import { absoluteIn, addressesThatFit, Folders, folderOf, inWords, rootsThatFit } from "./folders.js";
import { inShort, nameFromFile, newStage, typeOf } from "./stages.js";

const SHOWN = 40;

export class Sources {
  constructor(root, store, urls) {
    Object.assign(this, { root, store, url: urls.sources, list: [], roots: [], words: "", open: "" });
    this.folders = new Folders(urls.folder, request);
    this.load(this.url);
  }

  reload() {
    this.folders.forget();
    return this.load(this.url);
  }

  async load(url) {
    try {
      const answer = await request(url);
      this.list = answer.sources;
      this.roots = answer.roots;
      this.isCut = answer.more;
      this.environment = answer.environment;
      this.draw();
    } catch {
      this.root.replaceChildren(el("p", { class: "mut small" }, "They cannot be listed just now."));
    }
  }

  /** What an address can be: what lies in the environment's folder, the roots by name, and what lies in the folder that is being typed.
   * `again` is called when that has come. Of an output (`writes`) neither files, which nobody writes over, nor roots that are only read. */
  suggestions(typed = "", again = () => {}, writes = false) {
    const fits = writes ? ({ is_folder }) => is_folder : () => true;
    const roots = writes ? this.roots.filter(({ may_write }) => may_write) : this.roots;
    const own = this.list.filter(fits).map(({ uri }) => ({ name: uri }));
    const absolute = absoluteIn(typed, roots);
    if (absolute) {
      const there = this.folders.suggestions(absolute.folder, again, fits);
      return there.map((one) => ({ ...one, name: absolute.absolute(one.name) }));
    }
    const folder = folderOf(typed, roots);
    const begun = [...rootsThatFit(roots), ...addressesThatFit(typed, roots)];
    return [...own, ...begun, ...(folder ? this.folders.suggestions(folder, again, fits) : [])];
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
    const isOnlyFolder = this.roots.length < 2;
    this.root.replaceChildren(...(isOnlyFolder ? [] : [this.rootList()]), ...(this.open ? [] : this.ownFolder()));
    if (this.open) this.showFolder(this.open);
  }

  rootList() {
    return el(
      "ul",
      { class: "plain", "aria-label": `Roots of ${this.environment}` },
      this.roots.map((one) => {
        const at = one.is_default ? "" : `${one.name}:`;
        const isOpen = one.is_default ? !this.open : this.open.startsWith(at);
        return el(
          "li",
          {},
          el(
            "button",
            { type: "button", class: "source root", "aria-pressed": String(isOpen), title: inWords(one), onclick: () => this.enter(at) },
            icon(one.is_default ? "home" : "database", "mut"),
            el("span", { class: "clip" }, one.name),
            one.may_write ? null : el("span", { class: "mut small" }, "read only"),
          ),
        );
      }),
    );
  }

  enter(folder) {
    this.open = folder;
    this.draw();
  }

  /** What lies in a folder of another root, as far as it has come. */
  async showFolder(folder) {
    const place = el("div", {}, el("p", { class: "mut small" }, "…"));
    this.root.append(this.wayBack(folder), place);
    try {
      const level = await this.folders.of(folder);
      if (this.open !== folder) return;
      place.replaceChildren(...this.level(level, folder));
    } catch (refusal) {
      place.replaceChildren(el("p", { class: "mut small" }, refusal.message || "It cannot be listed just now."));
    }
  }

  wayBack(folder) {
    const above = folder.endsWith(":") ? "" : folder.slice(0, folder.lastIndexOf("/") + 1).replace(/\/$/, "") || `${folder.split(":")[0]}:`;
    return el(
      "button",
      { type: "button", class: "source", title: "Back", onclick: () => this.enter(above) },
      icon("chevron-left", "mut"),
      el("span", { class: "clip mono" }, folder),
    );
  }

  level({ entries, more, is_table, is_delta }, folder) {
    if (is_delta) return [this.wholeRow(folder, "DeltaLakeExtract")];
    const table = is_table ? [this.tableRow(folder, entries)] : [];
    if (!entries.length && !is_table) return [el("p", { class: "mut small" }, "There is nothing here yet.")];
    return [
      ...table,
      el(
        "ul",
        { class: "plain" },
        entries.map((one) => el("li", {}, one.is_folder ? this.folderRow(one) : this.row(one))),
        more ? el("li", { class: "mut small" }, "There is more than is listed here.") : null,
      ),
    ];
  }

  /** The files of a folder are one table; what reads one of them reads all. Without one (folders such as year=2013) a person names it. */
  tableRow(folder, entries) {
    const stage_type = entries.find((one) => one.stage_type)?.stage_type;
    if (!stage_type) return el("p", { class: "mut small" }, "These are the folders of one table: name this folder to read it.");
    return this.wholeRow(folder, stage_type);
  }

  wholeRow(folder, stage_type) {
    return this.row({ uri: folder, name: "all of it, as one table", is_folder: true, stage_type });
  }

  folderRow(one) {
    return el(
      "button",
      { type: "button", class: "source", title: one.uri, onclick: () => this.enter(one.uri) },
      icon("folder", "mut"),
      el("span", { class: "clip" }, one.name),
    );
  }

  ownFolder() {
    if (!this.list.length)
      return [
        el(
          "p",
          { class: "mut small" },
          `There is nothing in ${this.environment}'s folder yet. Upload a file: drop it anywhere on this page.`,
        ),
      ];
    const found = this.list.filter((source) => source.uri.toLowerCase().includes(this.words));
    const search = this.list.length > 8 ? [this.searchField()] : [];
    const left = found.length - SHOWN;
    const more = left > 0 ? el("li", { class: "mut small" }, `and ${left} more`) : null;
    const cut = this.isCut ? el("li", { class: "mut small" }, "There is more than is listed here.") : null;
    return [
      ...search,
      el(
        "ul",
        { class: "plain" },
        found.slice(0, SHOWN).map((source) => el("li", {}, this.row(source))),
        more,
        cut,
      ),
    ];
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
      el("span", { class: "clip" }, source.name ?? inShort(source.uri)),
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
