// The tray of files on their way: how far, how fast, how long; cancel, try again.
import { el, icon, plural } from "../dom.js";
import { mayGoBetter } from "./sender.js";

export const size = (bytes) => {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let number = bytes;
  while (number >= 999.5 && at < units.length - 1) {
    number /= 1000;
    at += 1;
  }
  return `${at && number < 10 ? number.toFixed(1) : Math.round(number)} ${units[at]}`;
};

export const time = (seconds) => {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min`;
};

/** Whether what has arrived is called otherwise than the person's file, and not because it took another one's place. */
export const hasOtherName = ({ uri, over, file }) => !over && !!uri && uri.split(/[/:]/).at(-1) !== file.name.normalize("NFC");

/** Whether something is told that would be lost with the page. `withNames`: that a file has another name is not said where one goes on to. */
export const isToBeRead = (senders, refused, withNames) =>
  refused > 0 || senders.some((one) => one.state === "failed" || (withNames && one.state === "done" && hasOtherName(one)));

/** "12 MB of 31 MB · 4.2 MB/s · 5 s left" */
export function wordsOf(sender) {
  const done = sender.shown ?? sender.sent;
  if (sender.state === "done") return `arrived as ${sender.uri}${hasOtherName(sender) ? ": its name was changed" : ""}`;
  if (sender.state === "cancelled") return "cancelled";
  if (sender.state === "failed") return sender.error?.message ?? "It did not work.";
  if (sender.state === "finishing" && sender.goneOn !== undefined)
    return `on to ${sender.upload.uri}: ${size(sender.goneOn)} of ${size(sender.file.size)}`;
  if (sender.state === "finishing") return "looking whether all of it is there …";
  const speed = sender.speed.perSecond;
  const left = speed ? sender.speed.left(sender.file.size - done) : null;
  const parts = [`${size(done)} of ${size(sender.file.size)}`];
  if (sender.state === "waiting" && sender.upload) parts.push("the connection broke; trying again");
  else if (speed) parts.push(`${size(speed)}/s`, `${time(left)} left`);
  return parts.join(" · ");
}

const NARROW = "(max-width: 760px)";

const endOf = (error) => (mayGoBetter(error) ? "Try again" : "Take away");

export class Tray {
  /** help: { limit, again(sender) } */
  constructor(help) {
    Object.assign(this, help);
    this.rows = new Map();
    /** By the id of an upload: what is shown of it until its file is chosen again. */
    this.waiting = new Map();
    /** What was refused before it was sent, until it is taken away. */
    this.refused = new Set();
    this.next = null;
    this.list = el("ul", { class: "plain" });
    this.title = el("h2", {}, "Uploads");
    this.opener = el(
      "button",
      { type: "button", class: "btn sm", "aria-expanded": "false", hidden: true, onclick: () => this.show() },
      "Show",
    );
    const close = el(
      "button",
      { type: "button", class: "icon-button", "aria-label": "Close the list of uploads", onclick: () => this.close() },
      icon("x"),
    );
    this.box = el(
      "section",
      { class: "upload-tray", "aria-label": "Uploads", hidden: true },
      el("header", {}, this.title, this.opener, close),
      this.list,
    );
    document.body.append(this.box);
  }

  add(sender) {
    const parts = {
      words: el("span", { class: "mut small", role: "status" }),
      bar: el("progress", { max: sender.file.size || 1, value: 0, "aria-label": `Upload of ${sender.file.name}` }),
      end: el("button", { type: "button", class: "btn sm" }),
    };
    const item = el(
      "li",
      {},
      el("div", { class: "line" }, el("span", { class: "clip" }, icon("file-text", "mut"), ` ${sender.file.name}`), parts.end),
      parts.bar,
      parts.words,
    );
    parts.end.addEventListener("click", () => (this.isOver(sender) ? this.offer(sender) : sender.cancel()));
    this.rows.set(sender, { item, ...parts });
    this.list.append(item);
    this.fold(false);
    this.box.hidden = false;
    this.update(sender);
  }

  isOver(sender) {
    return ["done", "failed", "cancelled"].includes(sender.state);
  }

  offer(sender) {
    this.take(sender);
    if (sender.state === "cancelled" || (sender.state === "failed" && mayGoBetter(sender.error))) this.again(sender);
  }

  update(sender) {
    const row = this.rows.get(sender);
    if (!row) return;
    this.waiting.get(sender.upload?.id)?.remove();
    this.waiting.delete(sender.upload?.id);
    row.bar.value = sender.state === "done" ? sender.file.size : (sender.shown ?? sender.sent);
    row.bar.hidden = ["failed", "cancelled"].includes(sender.state);
    row.words.textContent = wordsOf(sender);
    row.words.className = `small ${{ failed: "bad", done: "ok" }[sender.state] ?? "mut"}`;
    row.end.textContent = { done: "Take away", failed: endOf(sender.error), cancelled: "Send again" }[sender.state] ?? "Cancel";
    const open = [...this.rows.keys()].filter((one) => !this.isOver(one)).length;
    this.title.textContent = open ? `Uploading ${plural(open, "file")}` : "Uploads";
  }

  /** An upload that waits for its file to be chosen again: taking it away must not end what goes on under the same id by then. */
  wait(id, name, why, forget) {
    const item = this.refuse(name, why, forget);
    this.refused.delete(item); // it is told again on every page
    this.waiting.set(id, item);
    if (this.rows.size || !matchMedia(NARROW).matches) return;
    this.title.textContent = `${plural(this.waiting.size, "upload")} not finished`;
    this.fold(true);
  }

  isToBeRead(withNames) {
    return isToBeRead([...this.rows.keys()], this.refused.size, withNames);
  }

  /** The page stays for what is to be read in the list; a link leads on to the files that have arrived, and closing the list does too. */
  lead(address, files) {
    this.next?.remove();
    const words = files === 1 ? "Look at the file that has arrived" : `See the ${files} files that have arrived`;
    this.next = el("li", {}, el("a", { class: "btn sm primary", href: address }, words));
    this.list.prepend(this.next);
    this.fold(false);
    this.box.hidden = false;
  }

  show() {
    this.fold(false);
    this.list.querySelector("button")?.focus(); // the button that was pressed is gone
  }

  /** On a phone what waits is one line until it is asked for: the list would lie over every page. */
  fold(isFolded) {
    this.list.hidden = isFolded;
    this.opener.hidden = !isFolded;
  }

  /** A file that was refused; `forget` is called when it is taken away. Gives what is shown of it. */
  refuse(name, why, forget = () => {}) {
    const words = el("span", { class: "bad small", role: "alert" }, why);
    const away = () => {
      item.remove();
      this.refused.delete(item);
      this.box.hidden = !this.list.children.length;
      forget();
    };
    const item = el(
      "li",
      {},
      el(
        "div",
        { class: "line" },
        el("span", { class: "clip" }, icon("alert-triangle", "bad"), ` ${name}`),
        el("button", { type: "button", class: "btn sm", onclick: away }, "Take away"),
      ),
      words,
    );
    this.list.append(item);
    this.refused.add(item);
    this.box.hidden = false;
    return item;
  }

  take(sender) {
    this.rows.get(sender)?.item.remove();
    this.rows.delete(sender);
    if (!this.rows.size && !this.list.children.length) this.box.hidden = true;
  }

  close() {
    for (const sender of [...this.rows.keys()]) if (this.isOver(sender)) this.take(sender);
    for (const item of [...this.list.children]) if (![...this.rows.values()].some((row) => row.item === item)) item.remove();
    this.refused.clear();
    this.box.hidden = true;
    if (this.next && !this.rows.size) location.assign(this.next.querySelector("a").href);
  }
}
