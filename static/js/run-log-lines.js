// The lines of a log in memory, which of them are shown, and where a search hits. Knows nothing of the page.
import { lineOf } from "./run-log-words.js";

/** A fold stands for framework lines that are not shown: {fold: how many, from: index of the first}. */
export class Lines {
  all = [];
  shown = [];
  hits = [];
  folded = 0;
  stages = new Set();
  filter = { level: 1, stage: "", framework: false };
  #opened = new Set();
  #search = null;

  /** Takes an event in; gives true when it was new. Lines may come in any order, each once. */
  put(event) {
    const index = event.seq - 1;
    if (this.all[index]) return false;
    const line = lineOf(event);
    if (line.stage) this.stages.add(line.stage);
    const isNext = index === this.all.length;
    this.all[index] = line;
    if (isNext) this.#show(line, index);
    return true;
  }

  /** Decides anew which lines are shown; needed after a change of filter and when earlier lines have come. */
  rebuild() {
    this.shown = [];
    this.hits = [];
    this.folded = 0;
    // Lines that have not come yet leave holes.
    for (const [index, line] of this.all.entries()) if (line) this.#show(line, index);
  }

  open(fold) {
    for (let index = fold.from; index < fold.from + fold.span; index++) this.#opened.add(index);
    this.rebuild();
  }

  /** Text or /regex/; gives a sentence when the regex is not one. */
  search(text) {
    this.#search = null;
    const pattern = /^\/(.+)\/(i?)$/.exec(text);
    try {
      if (pattern) this.#search = new RegExp(pattern[1], `g${pattern[2]}`);
      else if (text) this.#search = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi");
    } catch {
      return "not a regular expression";
    }
    this.rebuild();
    return "";
  }

  /** Text of a line cut at the search's hits: [[text, isHit], …]. */
  pieces(text) {
    if (!this.#search) return [[text, false]];
    const found = [];
    let at = 0;
    for (const hit of text.matchAll(this.#search)) {
      if (!hit[0]) break;
      found.push([text.slice(at, hit.index), false], [hit[0], true]);
      at = hit.index + hit[0].length;
    }
    return [...found, [text.slice(at), false]];
  }

  /** Place among the shown lines of the line with this number, or of the next one that is shown; -1 for none. */
  placeOf(seq) {
    return this.shown.findIndex((item) => (item.fold ? item.from + item.span >= seq : item.seq >= seq));
  }

  #show(line, index) {
    if (line.level < this.filter.level || (this.filter.stage && line.stage !== this.filter.stage)) return;
    if (line.noise && !this.filter.framework && !this.#opened.has(index)) {
      this.#fold(index);
      return;
    }
    if (this.#search) {
      this.#search.lastIndex = 0;
      if (this.#search.test(line.text)) this.hits.push(this.shown.length);
    }
    this.shown.push(line);
  }

  #fold(index) {
    this.folded += 1;
    const last = this.shown.at(-1);
    if (last?.fold) {
      last.fold += 1;
      last.span = index - last.from + 1;
    } else this.shown.push({ fold: 1, from: index, span: 1 });
  }
}
