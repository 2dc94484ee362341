// “Make a connection from it”: the fields that the document says, to be looked over, and one button.
import { el, icon } from "../dom.js";
import { request } from "../server.js";
import { show } from "../toasts.js";
import { alike, commonFolder, freeName, secretsOf, withConnection } from "./connection_from.js";

export class ConnectionDialog {
  /** `help`: config, store, problems. */
  constructor(suggested, help) {
    Object.assign(this, { suggested, ...help });
    this.kind = this.config.connection_kinds[suggested.kind];
    this.controls = new Map();
  }

  open() {
    const { suggested } = this;
    const secrets = secretsOf(this.store.doc, suggested);
    const all = [...new Set(this.problems.list.map((problem) => problem.connection).filter(Boolean))];
    this.meant = alike(this.store.doc, suggested, all).map((one) => ({ one, seen: this.store.stages[one.stage_index] }));
    const taken = this.config.connections.map(({ name }) => name);
    const fields = [
      this.field(
        { name: "_name", label: "Name", widget: "text", hint: "What jobs call it, in each environment." },
        freeName(suggested.name, taken),
      ),
    ];
    for (const field of this.kind.fields)
      if (this.counts(field))
        fields.push(this.field(this.hinted(field, secrets), secrets[field.name] || suggested.settings[field.name] || field.default || ""));
    if (suggested.root)
      fields.push(
        this.field(
          { name: "_root", label: "A root there", widget: "text", hint: "Addresses below it are found by it." },
          commonFolder(this.meant.map(({ one }) => one.root)),
        ),
      );
    this.wrong = el("div", { class: "notice bad", role: "alert", hidden: true });
    this.make = el("button", { class: "btn primary" }, icon("plug-connected"), "Make it");
    this.dialog = el(
      "dialog",
      { class: "dialog", "aria-label": "Make a connection" },
      el(
        "form",
        { method: "dialog", autocomplete: "off", onsubmit: (event) => this.submit(event) },
        el("header", {}, el("h2", {}, `Connection to ${this.kind.title}, in ${this.config.draft_environment}`)),
        el(
          "div",
          { class: "in stack" },
          el(
            "p",
            { class: "mut" },
            "The stage then names it, and what it signs in with is in the document no more. Change the password where it is valid: it was written down here.",
          ),
          this.wrong,
          ...fields,
        ),
        el("footer", {}, el("button", { type: "button", class: "btn", onclick: () => this.dialog.close() }, "Cancel"), this.make),
      ),
    );
    this.dialog.addEventListener("close", () => this.dialog.remove());
    document.body.append(this.dialog);
    this.dialog.showModal();
    const empty = [...this.controls.values()].find(({ input }) => !input.value);
    (empty?.input ?? this.make).focus();
  }

  /** A draft is kept without passwords and keys, so after an import or a reload they are to be typed. */
  hinted(field, secrets) {
    const isAsked = field.widget === "secret" && !secrets[field.name];
    return isAsked ? { ...field, hint: "Sluice did not keep what the document said. Type it here; it is sealed." } : field;
  }

  counts(field) {
    return Object.entries(field.when).every(([name, values]) => values.includes(this.suggested.settings[name] ?? this.defaultOf(name)));
  }
  defaultOf(name) {
    return this.kind.fields.find((field) => field.name === name)?.default;
  }

  field({ name, label, widget, words, hint }, value) {
    const id = `connect-${name}`;
    const options = () => Object.entries(words).map(([word, text]) => el("option", { value: word, selected: word === value }, text));
    const type = { secret: "password", number: "number" }[widget] ?? "text";
    const autocomplete = widget === "secret" ? "new-password" : "off";
    const input =
      widget === "choice"
        ? el("select", { id, name, class: "form-select" }, options())
        : el("input", { id, name, value, type, autocomplete, required: true, class: "form-control" });
    this.controls.set(name, { input, widget });
    return el("div", { class: "field" }, el("label", { for: id }, label), input, hint ? el("span", { class: "hint" }, hint) : null);
  }

  given(wanted) {
    const found = [...this.controls].filter(([name, { widget }]) => !name.startsWith("_") && (widget === "secret") === wanted);
    return Object.fromEntries(found.map(([name, { input, widget }]) => [name, widget === "number" ? Number(input.value) : input.value]));
  }

  async submit(event) {
    event.preventDefault();
    const name = this.controls.get("_name").input.value.trim();
    const settings = { ...this.suggested.settings, ...this.given(false) };
    this.make.setAttribute("aria-busy", "true");
    try {
      if (!this.isMade)
        await request(this.config.urls.add_connection, {
          method: "POST",
          body: { name, kind: this.suggested.kind, settings, secrets: this.given(true) },
        });
      this.isMade = true;
      if (this.suggested.root) await this.addRoot(name);
    } catch (error) {
      const said = error.problems?.length ? error.problems.map((one) => one.message) : [error.message];
      this.wrong.replaceChildren(icon("alert-circle"), el("span", {}, said.join(" ")));
      this.wrong.hidden = false;
      return;
    } finally {
      this.make.removeAttribute("aria-busy");
    }
    this.move(name);
    this.dialog.close();
  }

  addRoot(name) {
    const address = this.controls.get("_root").input.value.trim();
    const body = { name, connection: name, address, may_write: this.meant.some(({ one }) => one.may_write) };
    return request(this.config.urls.add_root, { method: "POST", body });
  }

  /** The document names the connection; neither it nor its history holds the secret any more. */
  move(name) {
    const stages = this.store.stages.map((stage) => {
      const found = this.meant.find(({ seen }) => seen === stage);
      return found ? withConnection(stage, found.one, name) : stage;
    });
    if (!this.suggested.root) this.offer(name);
    this.store.replaceForGood({ ...this.store.doc, stages });
    const others = this.config.environments.filter((one) => one !== this.config.draft_environment).join(" and ");
    show({
      text: `${name} is made in ${this.config.draft_environment}.${others ? ` ${others} need one of this name, too.` : ""}`,
      tone: "ok",
    });
  }

  offer(name) {
    const { offers } = this.kind;
    this.config.connections.push({ name, offers, environments: [this.config.draft_environment] });
  }
}
