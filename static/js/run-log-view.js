// Draws only the lines that can be seen, so that a million of them scroll like ten. Text is always put in as text nodes.
import { LETTERS, LEVELS } from "./run-log-words.js";

const ROW = 20;
const AROUND = 20;
const BESIDE_TEXT = 56 + 92 + 16 + 140 + 4 * 8 + 24;

export class View {
  marked = 0;
  wrapped = false;
  #tops = null;
  #drawn = "";
  #widest = 0;

  constructor(frame, lines, onFold) {
    this.frame = frame;
    this.lines = lines;
    this.space = frame.querySelector(".log-space");
    this.window = frame.querySelector(".log-window");
    this.window.addEventListener("click", (event) => {
      const fold = event.target.closest("[data-fold]");
      if (fold) onFold(this.lines.shown[Number(fold.dataset.fold)]);
    });
    frame.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.refresh()).observe(frame);
  }

  /** Draws anew after lines, filter or width changed. */
  refresh() {
    this.#tops = this.wrapped ? this.#heights() : null;
    this.frame.classList.toggle("wrapped", this.wrapped);
    this.space.style.height = `${this.#top(this.lines.shown.length)}px`;
    this.#drawn = "";
    this.draw();
  }

  draw() {
    const from = Math.max(this.#at(this.frame.scrollTop) - AROUND, 0);
    const to = Math.min(this.#at(this.frame.scrollTop + this.frame.clientHeight) + AROUND, this.lines.shown.length);
    const key = `${from}-${to}`;
    if (key === this.#drawn) return;
    this.#drawn = key;
    const rows = [];
    for (let place = from; place < to; place++) rows.push(this.#row(this.lines.shown[place], place));
    this.window.style.transform = `translateY(${this.#top(from)}px)`;
    this.window.replaceChildren(...rows);
    if (!this.wrapped) this.#widen();
  }

  get isAtEnd() {
    return this.frame.scrollTop + this.frame.clientHeight >= this.frame.scrollHeight - ROW;
  }

  toEnd() {
    this.frame.scrollTop = this.frame.scrollHeight;
    this.draw();
  }

  /** Brings the line at this place among the shown ones into the middle. */
  toPlace(place) {
    this.frame.scrollTop = Math.max(this.#top(place) - this.frame.clientHeight / 2 + ROW, 0);
    this.#drawn = "";
    this.draw();
  }

  /** Brings it to the top. */
  toTop(place) {
    this.frame.scrollTop = this.#top(place);
    this.#drawn = "";
    this.draw();
  }

  /** Number of the first line that can be seen. */
  get firstSeen() {
    const item = this.lines.shown[this.#at(this.frame.scrollTop)];
    return item ? (item.seq ?? item.from + 1) : 0;
  }

  #top(place) {
    return this.#tops ? (this.#tops[place] ?? this.#tops.at(-1)) : place * ROW;
  }

  #at(pixels) {
    if (!this.#tops) return Math.floor(pixels / ROW);
    let low = 0,
      high = this.#tops.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#tops[middle] <= pixels) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Tops of all lines when they wrap: the letters are of one width, so the number of rows can be counted. */
  #heights() {
    const beside = matchMedia("(max-width: 760px)").matches ? 100 : BESIDE_TEXT;
    const letters = Math.max(Math.floor((this.frame.clientWidth - beside) / 7.23), 10);
    const tops = new Float64Array(this.lines.shown.length + 1);
    this.lines.shown.forEach((item, place) => {
      tops[place + 1] =
        tops[place] +
        ROW * (item.fold ? 1 : item.text.split("\n").reduce((rows, part) => rows + Math.max(Math.ceil(part.length / letters), 1), 0));
    });
    return tops;
  }

  #widen() {
    const widest = this.window.scrollWidth;
    if (widest > this.#widest) {
      this.#widest = widest;
      this.space.style.minWidth = `${widest}px`;
    }
  }

  #row(item, place) {
    if (item.fold) return this.#foldRow(item, place);
    const row = element("div", `line ${LEVELS[item.level]}${item.seq === this.marked ? " hit" : ""}`);
    const number = element("a", "", String(item.seq));
    number.href = `#L${item.seq}`;
    const text = element("span", "words");
    for (const [piece, isHit] of this.lines.pieces(this.wrapped ? item.text : item.text.replaceAll("\n", " ⏎ ")))
      text.append(isHit ? element("mark", "", piece) : piece);
    row.append(
      number,
      element("span", "at", item.at),
      element("span", "lvl", LETTERS[item.level]),
      element("span", "from", item.stage),
      text,
    );
    return row;
  }

  #foldRow(item, place) {
    const row = element("div", "line fold");
    const button = element("button", "fold", `▸ ${item.fold.toLocaleString("en")} framework line${item.fold === 1 ? "" : "s"}`);
    button.type = "button";
    button.dataset.fold = String(place);
    row.append(button);
    return row;
  }
}

function element(name, classes = "", text = "") {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text) made.textContent = text;
  return made;
}
