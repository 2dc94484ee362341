// The document being edited, its history, and which stage is chosen. Everything else listens to it.
//
// Objects inside are never changed in place: a change makes a new document, so history is a list of documents that share their parts.
// A text that is not a job's JSON is kept as it is (`broken`); the last good document stays beside it, so nothing is lost.

import { renamedUses } from "./rename.js";

const MERGES_FOR = 1500;
const KEPT = 200;

export class Store extends EventTarget {
  constructor(text) {
    super();
    this.past = [];
    this.future = [];
    this.doc = { stages: [] };
    this.keys = [];
    this.broken = null;
    this.chosen = null;
    this.serial = 0;
    this.changes = 0;
    this.take(text);
    this.chosen = this.keys[0] ?? null;
  }

  // --- reading

  get stages() {
    return this.doc.stages;
  }
  get index() {
    return this.keys.indexOf(this.chosen);
  }
  get stage() {
    return this.stages[this.index];
  }
  get parameters() {
    return this.doc.parameters ?? {};
  }
  text() {
    return this.broken ?? `${JSON.stringify(this.doc, null, 2)}\n`;
  }
  indexOf(key) {
    return this.keys.indexOf(key);
  }

  /** Views that stages before `index` make: [{ name, index, key }]. */
  viewsBefore(index) {
    const found = this.stages.slice(0, index).map((stage, place) => ({ name: stage.outputView, index: place, key: this.keys[place] }));
    return found.filter((view) => typeof view.name === "string" && view.name);
  }

  // --- choosing

  choose(index) {
    const key = this.keys[Math.max(0, Math.min(index, this.keys.length - 1))] ?? null;
    if (key === this.chosen) return;
    this.chosen = key;
    this.tell("choice");
  }

  // --- changing

  /** One field of a stage; undefined takes it out. Quick changes of the same field are one step of history. */
  setField(index, name, value, source = null) {
    const before = this.stages[index];
    if (before[name] === value) return;
    const after = { ...before };
    if (value === undefined) delete after[name];
    else after[name] = value;
    const stages = this.stages.with(index, after);
    this.commit({ ...this.doc, stages }, this.keys, { merge: `${this.keys[index]} ${name}`, what: "field", index, name, source });
  }

  /** Its uses further down follow a view's new name, as part of the step of history that began when `mark` (of `history`) was taken. */
  renameUses(index, from, to, fields, mark) {
    const { stages, uses } = renamedUses(this.stages, index, from, to, fields);
    if (this.past.length > mark) this.past.length = mark + 1;
    this.lastMerge = null;
    if (uses) this.adopt({ ...this.doc, stages }, this.keys, this.chosen, { what: "all" });
    return uses;
  }

  /** How many steps there are to undo. */
  get history() {
    return this.past.length;
  }

  insert(at, stage) {
    const key = this.newKey();
    this.commit({ ...this.doc, stages: this.stages.toSpliced(at, 0, stage) }, this.keys.toSpliced(at, 0, key), {
      what: "stages",
      choose: key,
    });
  }

  /** Several stages as one step of history; the last of them is chosen, so that what is added next is about what they make. */
  insertAll(at, stages) {
    const keys = stages.map(() => this.newKey());
    this.commit({ ...this.doc, stages: this.stages.toSpliced(at, 0, ...stages) }, this.keys.toSpliced(at, 0, ...keys), {
      what: "stages",
      choose: keys.at(-1),
    });
  }

  remove(index) {
    const keys = this.keys.toSpliced(index, 1);
    const choose = this.keys[index] === this.chosen ? (keys[index] ?? keys[index - 1] ?? null) : this.chosen;
    this.commit({ ...this.doc, stages: this.stages.toSpliced(index, 1) }, keys, { what: "stages", choose });
  }

  move(from, to) {
    if (to < 0 || to >= this.stages.length || from === to) return;
    const shifted = (list) => list.toSpliced(from, 1).toSpliced(to, 0, list[from]);
    this.commit({ ...this.doc, stages: shifted(this.stages) }, shifted(this.keys), { what: "stages" });
  }

  setParameters(parameters) {
    const { parameters: _, ...rest } = this.doc;
    const doc = Object.keys(parameters).length
      ? { ...(rest.description === undefined ? {} : { description: rest.description }), parameters, ...rest }
      : rest;
    this.commit(doc, this.keys, { what: "parameters" });
  }

  /** From the JSON view. A text that is no job's JSON is kept beside the last good document. */
  setText(text, source = null) {
    const doc = read(text);
    if (!doc) {
      this.broken = text;
      this.changes += 1;
      this.tell("text", { source });
      return;
    }
    this.broken = null;
    this.commit(doc, this.keysFor(doc), { merge: "json", what: "all", source });
  }

  /** Another document in place of this one, as one step of history. */
  replace(text) {
    const doc = read(text);
    if (doc) {
      this.broken = null;
      this.commit(doc, this.keysFor(doc), { what: "all" });
    } else this.setText(text);
  }

  /** Another document, and no way back to the one before: it holds what shall be nowhere any more. */
  replaceForGood(doc) {
    this.adopt(doc, this.keys, this.chosen, { what: "all" });
    this.past = [];
    this.future = [];
    this.lastMerge = null;
  }

  /** The same content as the server wrote it (order of keys): no step of history, nothing to save. */
  settle(text) {
    const doc = read(text);
    if (!doc) return;
    this.keys = this.keysFor(doc);
    this.doc = doc;
    this.broken = null;
    this.tell("all", { settled: true });
  }

  undo() {
    this.step(this.past, this.future);
  }
  redo() {
    this.step(this.future, this.past);
  }

  // --- inside

  take(text) {
    const doc = read(text);
    if (doc) {
      this.doc = doc;
      this.keys = doc.stages.map(() => this.newKey());
    } else this.broken = text;
  }

  commit(doc, keys, { merge = null, choose = this.chosen, ...detail }) {
    const now = Date.now();
    const joins = merge && this.lastMerge === merge && now - this.lastAt < MERGES_FOR && this.past.length;
    if (!joins) this.past.push({ doc: this.doc, keys: this.keys, chosen: this.chosen });
    if (this.past.length > KEPT) this.past.shift();
    this.future = [];
    this.lastMerge = merge;
    this.lastAt = now;
    this.adopt(doc, keys, choose, detail);
  }

  step(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push({ doc: this.doc, keys: this.keys, chosen: this.chosen });
    this.lastMerge = null;
    this.broken = null;
    this.adopt(state.doc, state.keys, state.chosen, { what: "all" });
  }

  adopt(doc, keys, chosen, { what, ...detail }) {
    this.doc = doc;
    this.keys = keys;
    this.chosen = keys.includes(chosen) ? chosen : (keys[0] ?? null);
    this.changes += 1;
    this.tell(what, detail);
  }

  /** Stages keep what belongs to them (row counts, problems) when the text was changed elsewhere: by name, then by place. */
  keysFor(doc) {
    const free = new Map(this.stages.map((stage, place) => [stage.name, this.keys[place]]));
    const taken = new Set();
    const byName = doc.stages.map((stage) => {
      const key = free.get(stage.name);
      if (!key || taken.has(key)) return null;
      taken.add(key);
      return key;
    });
    return byName.map((key, place) => {
      if (key) return key;
      const same = this.keys[place];
      if (same && !taken.has(same)) {
        taken.add(same);
        return same;
      }
      return this.newKey();
    });
  }

  newKey() {
    this.serial += 1;
    return `s${this.serial}`;
  }
  tell(what, detail = {}) {
    this.dispatchEvent(new CustomEvent("change", { detail: { what, ...detail } }));
  }
}

/** The document, or null when the text is not the JSON of an object with a list of stages (objects). */
export function read(text) {
  let doc;
  try {
    doc = JSON.parse(text);
  } catch {
    return null;
  }
  const isJob =
    doc &&
    typeof doc === "object" &&
    Array.isArray(doc.stages) &&
    doc.stages.every((stage) => stage && typeof stage === "object" && !Array.isArray(stage));
  const parameters = doc?.parameters ?? {};
  return isJob && typeof parameters === "object" && !Array.isArray(parameters) ? doc : null;
}
