// Unsaved work goes to the server within two seconds of the last key. Where that is not possible it stays in this browser and is sent later.

import { debounced, dialog, el, icon } from "../dom.js";
import { Refusal, request } from "../server.js";
import { show } from "../toasts.js";

const AFTER = 1200;
const RETRY = 5000;

export class Draft extends EventTarget {
  constructor(store, config, banner) {
    super();
    Object.assign(this, {
      store,
      config,
      banner,
      revision: config.revision,
      base: config.base_version,
      ended: config.ended,
      sent: store.changes,
      savedAt: config.updated_at ? new Date(config.updated_at) : null,
      state: "kept",
    });
    this.place = `sluice-draft ${config.user} ${config.urls.draft}`;
    this.soon = debounced(() => this.send(), AFTER);
    store.addEventListener("change", (event) => {
      if (event.detail.what !== "choice" && !event.detail.settled) {
        this.mark("changed");
        this.soon();
      }
    });
    addEventListener("online", () => this.retryNow());
    addEventListener("focus", () => this.retryNow());
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && this.isDirty) this.send();
    });
    this.takeUp();
  }

  get isDirty() {
    return this.sent !== this.store.changes;
  }

  mark(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  /** Sends what there is now. Resolves once the server has it, or once it is clear that it has not. */
  async send() {
    this.soon.cancel();
    if (this.sending) {
      this.again = true;
      return this.sending;
    }
    if (!this.isDirty && this.state !== "here") return;
    this.sending = this.put();
    try {
      await this.sending;
    } finally {
      this.sending = null;
    }
    if (this.again) {
      this.again = false;
      await this.send();
    }
  }

  async put() {
    const changes = this.store.changes;
    const text = this.store.text();
    const ended = this.ended;
    this.mark("saving");
    try {
      const answer = await request(this.config.urls.draft, { method: "PUT", body: this.body(text) });
      if (ended === this.ended) this.arrived(answer, changes);
    } catch (error) {
      if (ended !== this.ended) return; // it was of a draft that has ended here meanwhile
      if (error instanceof Refusal && error.status === 409) await this.conflict(error.body, text);
      else this.keepHere(error, text);
    }
  }

  /** `ended` tells which draft this is of: the server refuses what comes after a version was saved or the draft thrown away. */
  body(text) {
    return { document: text, revision: this.revision, base_version: this.base, ended: this.ended };
  }

  /** Resolves when nothing is on its way. */
  async settled() {
    this.soon.cancel();
    await this.sending;
  }

  arrived(answer, changes) {
    this.revision = answer.revision;
    this.savedAt = new Date(answer.updated_at);
    this.sent = changes;
    this.forgetHere();
    this.noteArrival();
    this.mark(this.isDirty ? "changed" : "kept");
    if (this.isDirty) this.soon();
  }

  /** After a version was saved: the draft is done and the next one starts from that version. */
  reset(base, ended, revision = 0) {
    this.base = base;
    this.ended = ended;
    this.revision = revision;
    this.sent = this.store.changes;
    this.savedAt = revision ? this.savedAt : null;
    this.soon.cancel();
    this.forgetHere();
    this.mark("kept");
  }

  // --- no connection, no session: keep it in this browser

  keepHere(error, text) {
    this.remember(text);
    this.mark("here");
    const refused = error.status >= 400 && ![401, 403, 503, 502, 504].includes(error.status);
    if (refused) {
      show({ text: error.message, tone: "bad" });
      this.showBanner(error.message, false);
      return;
    }
    const out = error.status === 401 || error.status === 403;
    this.showBanner(
      out
        ? "You are no longer signed in. Your draft is kept in this browser and goes to Sluice once you are back."
        : "Sluice does not answer. Your draft is kept in this browser and goes there as soon as it does.",
      out,
    );
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retryNow(), RETRY);
  }

  async retryNow() {
    if (this.state !== "here") return;
    await freshToken(this.config.urls.edit);
    await this.send();
    if (this.state === "kept") show({ text: "Your draft is with Sluice again.", tone: "ok" });
  }

  showBanner(words, signIn) {
    const again = el(
      "a",
      { class: "btn sm", href: this.config.urls.sign_in, target: "_blank", rel: "opener" },
      icon("login-2"),
      "Sign in in a new tab",
    );
    this.banner.replaceChildren(
      icon("alert-triangle"),
      el("span", { class: "grow" }, words),
      ...(signIn ? [again] : []),
      el("button", { type: "button", class: "btn sm", onclick: () => this.retryNow() }, "Try now"),
    );
    this.banner.hidden = false;
  }

  remember(text, leaving = false) {
    try {
      localStorage.setItem(this.place, JSON.stringify({ text, revision: this.revision, base: this.base, ended: this.ended, leaving }));
    } catch {
      show({ text: "This browser keeps nothing. Copy your work before you leave this page.", tone: "bad" });
    }
  }

  forgetHere() {
    this.banner.hidden = true;
    try {
      localStorage.removeItem(this.place);
    } catch {
      /* private window */
    }
  }

  /**
   * A reload may be answered before the last save arrives, and then shows the document of before it: this tab remembers
   * what arrived last, so that such a page can fetch itself once more.
   */
  noteArrival() {
    try {
      sessionStorage.setItem(this.place, JSON.stringify({ ended: this.ended, revision: this.revision }));
    } catch {
      /* private window */
    }
  }

  isOlderThanWhatArrived() {
    try {
      const last = JSON.parse(sessionStorage.getItem(this.place));
      sessionStorage.removeItem(this.place); // asked once: never a page that reloads for ever
      return last?.ended === this.ended && last.revision > this.revision;
    } catch {
      return false;
    }
  }

  /** Work that an earlier visit could not send. */
  takeUp() {
    if (this.isOlderThanWhatArrived()) {
      location.reload();
      return;
    }
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(this.place));
    } catch {
      /* nothing there */
    }
    const sameDraft = (kept?.ended ?? this.ended) === this.ended;
    const arrived = kept?.leaving && sameDraft && this.revision > kept.revision;
    if (!kept || arrived || kept.text === this.store.text()) {
      this.forgetHere();
      return;
    }
    if (sameDraft && kept.revision === this.revision) {
      this.store.replace(kept.text);
      this.base = kept.base;
      show({ text: "What you typed when the connection was gone is here again.", tone: "ok" });
    } else {
      const code = sameDraft ? "draft-changed" : "draft-gone";
      this.conflict({ code, revision: this.revision, ended: this.ended, document: this.store.text() }, kept.text);
    }
  }

  /** The page goes away: the browser sends this last request on its own; the copy here is for when it fails. */
  leave() {
    if (!this.isDirty) return;
    const text = this.store.text();
    this.remember(text, true);
    const body = JSON.stringify(this.body(text));
    const headers = {
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-CSRFToken": document.querySelector("meta[name=csrf-token]").content,
    };
    fetch(this.config.urls.draft, { method: "PUT", keepalive: body.length < 60_000, headers, body, credentials: "same-origin" });
  }

  // --- two windows of one person

  async conflict(theirs, mine) {
    if (theirs.document === mine) {
      this.revision = theirs.revision;
      this.ended = theirs.ended;
      await this.put();
      return;
    }
    this.mark("conflict");
    this.remember(mine);
    const gone = theirs.code === "draft-gone";
    const choice = await dialog({
      title: gone ? "This draft was finished in another window" : "You changed this job in another window",
      body: () => [
        el(
          "p",
          {},
          gone
            ? "There it was saved as a version, or thrown away. What you have here is still here."
            : "Both have changes. Nothing is lost until you choose.",
        ),
        el("p", { class: "mut" }, "You can copy what is here to the clipboard first."),
      ],
      footer: (close) => [
        el(
          "button",
          {
            type: "button",
            class: "btn",
            onclick: () => navigator.clipboard.writeText(mine).then(() => show({ text: "Copied this window's document.", tone: "ok" })),
          },
          icon("copy"),
          "Copy mine",
        ),
        el(
          "button",
          { type: "button", class: "btn", onclick: () => close("theirs") },
          gone ? "Load the newest" : "Take the other window's",
        ),
        el("button", { type: "button", class: "btn primary", onclick: () => close("mine") }, "Keep mine"),
      ],
    });
    if (choice === "theirs") await this.takeTheirs();
    else if (choice === "mine") {
      this.revision = theirs.revision ?? 0;
      this.ended = theirs.ended;
      await this.put();
    } else this.showBanner("This window's changes are kept in this browser only, because another window has others.", false);
  }

  async takeTheirs() {
    const answer = await request(this.config.urls.draft);
    this.store.replace(answer.document);
    this.reset(answer.base_version, answer.ended, answer.revision);
  }
}

/** After signing in again the page's old token is no longer good; the new one is in a fresh copy of the page. */
async function freshToken(url) {
  try {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("meta[name=csrf-token]")?.content;
    if (token) document.querySelector("meta[name=csrf-token]").content = token;
  } catch {
    /* still no connection */
  }
}
