// Ctrl+S: a version with a message. When somebody else saved one meanwhile, the two are brought together first.

import { dialog, el, icon, plural } from "../dom.js";
import { request } from "../server.js";
import { show } from "../toasts.js";
import { stops } from "./problems.js";

/** help: { config, store, draft, problems, showProblems(), saved(answer) } */
export class Saver {
  constructor(help) {
    Object.assign(this, help);
  }

  async open() {
    if (this.busy) return;
    this.busy = true;
    try {
      await this.ask();
    } finally {
      this.busy = false;
    }
  }

  async ask(message = "") {
    await this.problems.check();
    if (this.problems.checked.some(stops)) {
      this.notYet();
      return;
    }
    const asked = [import("./what_changed.js"), import("./changes.js"), this.baseDocument()];
    const [{ changesList }, { messageOf, partsChanged }, base] = await Promise.all(asked);
    const parts = partsChanged(base, this.store.doc);
    const proposed = message || messageOf(parts);
    const next = Math.max(this.draft.base ?? 0, this.config.latest_version ?? 0) + 1;
    const said = await dialog({
      title: `Save v${next}`,
      wide: true,
      body: (close) => {
        const input = el("input", {
          class: "form-control",
          id: "version-message",
          maxlength: 300,
          value: proposed,
          autofocus: true,
          autocomplete: "off",
          placeholder: "What changed, and why",
          onkeydown: (event) => {
            if (event.key === "Enter") {
              event.preventDefault();
              close(input.value);
            }
          },
        });
        this.input = input;
        queueMicrotask(() => input.select());
        return [
          this.doubt(),
          el(
            "div",
            { class: "field" },
            el("label", { for: "version-message" }, "Message"),
            input,
            el("span", { class: "hint" }, "Why is worth more than what. Reviewers and your later self read it."),
          ),
          parts.length ? changesList(parts) : el("p", { class: "mut" }, `Nothing has changed since v${this.draft.base}.`),
          el(
            "p",
            { class: "mut small" },
            `A version never changes. This one is live in ${this.config.draft_environment} at once; other environments get it by promotion.`,
          ),
        ];
      },
      footer: (close) => [
        el("button", { type: "button", class: "btn", onclick: () => close() }, "Not yet"),
        el(
          "button",
          { type: "button", class: "btn primary", onclick: () => close(this.input.value) },
          icon("device-floppy"),
          `Save v${next}`,
        ),
      ],
    });
    if (said !== undefined) await this.save(said);
  }

  /** The version that the draft started from; of a job without one, nothing. */
  baseDocument() {
    return this.draft.base ? request(`${this.config.urls.versions}/${this.draft.base}.json`) : Promise.resolve({ stages: [] });
  }

  /** What is worth knowing before a version is saved; warnings stop nobody. */
  doubt() {
    const fault = this.problems.list.find(stops);
    const words = fault
      ? `Spark does not agree yet: ${fault.message} You can save all the same, but a run would fail.`
      : this.problems.list.map(({ message, fix }) => [message, fix].filter(Boolean).join(" "))[0];
    return words ? el("div", { class: "notice warn" }, icon("alert-triangle"), el("span", {}, words)) : null;
  }

  notYet() {
    const count = this.problems.list.filter(stops).length;
    show({ text: `A version cannot have problems; this one has ${plural(count, "problem")}. Your draft is kept.`, tone: "warn" });
    this.showProblems();
  }

  async save(message) {
    await this.draft.settled();
    const text = this.store.text();
    try {
      const answer = await request(this.config.urls.save, {
        method: "POST",
        body: { document: text, message, base_version: this.draft.base },
      });
      this.done(answer, text);
    } catch (error) {
      if (error.status === 409 && error.body?.code === "newer-version") await this.merge(message);
      else if (error.status === 422) {
        this.problems.add(error.problems);
        this.notYet();
      } else show({ text: error.message, tone: "bad" });
    }
  }

  done(answer, text) {
    this.config.latest_version = answer.number;
    if (this.store.text() === text) {
      this.store.settle(answer.document);
      this.draft.reset(answer.number, answer.ended);
    } else {
      this.draft.base = answer.number;
      this.draft.revision = 0;
      this.draft.ended = answer.ended;
      this.draft.send();
    }
    this.saved(answer);
    show({
      text: answer.is_new
        ? `Saved v${answer.number}. It is live in ${this.config.draft_environment}.`
        : `Nothing has changed since v${answer.number}; there is no new version.`,
      tone: "ok",
    });
  }

  /** Somebody saved a version meanwhile: theirs and ours, stage by stage; the result is a draft on top of theirs. */
  async merge(message = "") {
    const { versions } = await request(this.config.urls.versions);
    const latest = versions[0];
    const [base, theirs] = await Promise.all([this.baseDocument(), request(`${this.config.urls.versions}/${latest.number}.json`)]);
    const { mergeByStage } = await import("./merge.js");
    const merged = await mergeByStage({
      base,
      theirs,
      mine: this.store.doc,
      who: latest.author,
      theirNumber: latest.number,
      baseNumber: this.draft.base,
    });
    if (!merged) return;
    this.store.replace(JSON.stringify(merged));
    this.draft.base = latest.number;
    this.config.latest_version = latest.number;
    await this.draft.send();
    this.merged(latest);
    await this.ask(message);
  }
}
