// Queries that people keep, and those that this person has run.
import { ask } from "../dialogs.js";
import { dialog, el, icon, plural } from "../dom.js";
import { request } from "../server.js";
import { ago, duration } from "../times.js";
import { show } from "../toasts.js";

const OUTCOMES = {
  done: ["circle-check", "ok"],
  failed: ["alert-circle", "bad"],
  stopped: ["player-stop", "mut"],
  working: ["loader-2", "mut"],
};

/** The query that is open: its text may have changed since. */
export class Saved extends EventTarget {
  /** help: { content() → { sql, parameters, chart }, open(version, saved) } */
  constructor(parts, config, help) {
    super();
    Object.assign(this, { ...parts, config, help, current: null, list: [] });
    this.save.addEventListener("click", () => this.keep());
    this.title.addEventListener(
      "click",
      (event) => event.target.closest("[data-do]") && this.act(event.target.closest("[data-do]").dataset.do),
    );
  }

  get isMine() {
    return this.current?.owner === this.config.person;
  }

  url(id) {
    return `${this.config.urls.saved}${id}`;
  }

  // --- the two lists

  async drawSaved() {
    await this.filled(
      this.savedList,
      async () => {
        this.list = await all(this.config.urls.saved);
        return this.list.map((saved) => this.savedLine(saved));
      },
      "Nobody keeps a query here yet. Write one and press Save.",
    );
  }

  savedLine(saved) {
    const mine = saved.owner === this.config.person;
    const about = [mine ? (saved.is_shared ? "shared by you" : "yours alone") : `shared by ${saved.owner_name}`, `v${saved.number}`].join(
      " · ",
    );
    return el(
      "li",
      {},
      el(
        "button",
        {
          type: "button",
          class: "query-line",
          onclick: () => this.open(saved.id),
          "aria-current": this.current?.id === saved.id ? "true" : null,
        },
        icon(saved.is_shared ? "users" : "lock", "mut"),
        el("span", {}, el("b", { class: "clip" }, saved.name), el("small", { class: "mut" }, about)),
      ),
    );
  }

  async drawHistory() {
    await this.filled(
      this.historyList,
      async () => {
        const page = await request(`${this.config.urls.history}?limit=50`);
        return page.results.map((past) => this.pastLine(past));
      },
      "You have run nothing here yet.",
    );
  }

  pastLine(past) {
    const [symbol, tone] = OUTCOMES[past.outcome];
    const rows = past.rows === null ? past.outcome : `${past.is_complete ? "" : "first "}${plural(past.rows, "row")}`;
    const about = [ago(new Date(past.created_at)), rows, past.duration_ms === null ? "" : duration(past.duration_ms / 1000)]
      .filter(Boolean)
      .join(" · ");
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "query-line", title: past.sql.slice(0, 2000), onclick: () => this.openPast(past) },
        icon(symbol, tone),
        el(
          "span",
          {},
          el("span", { class: "mono clip" }, past.sql.replace(/\s+/g, " ").slice(0, 200)),
          el("small", { class: "mut" }, about),
        ),
      ),
    );
  }

  async filled(list, load, empty) {
    if (!list) return;
    try {
      const found = await load();
      list.replaceChildren(...(found.length ? found : [el("li", { class: "in mut small" }, empty)]));
    } catch (error) {
      list.replaceChildren(el("li", { class: "in small" }, error.message));
    }
  }

  // --- opening

  async open(id, number = null) {
    if (!(await this.mayLeave())) return;
    try {
      const saved = await request(this.url(id));
      const version =
        number === null || number === saved.number
          ? saved.version
          : (await all(`${this.url(id)}/versions/`)).find((one) => one.number === number);
      this.take(saved, version);
    } catch (error) {
      show({ text: error.message, tone: "bad" });
    }
  }

  take(saved, version) {
    this.current = { ...saved, opened: saved.number };
    this.help.open(version, saved);
    this.clean();
    history.replaceState(null, "", `${this.config.urls.page}?saved=${saved.id}`);
    this.drawTitle();
    this.drawSaved();
  }

  async openPast(past) {
    if (!(await this.mayLeave())) return;
    this.current = null;
    this.help.open({ sql: past.sql, parameters: past.parameters, chart: {} }, null);
    this.clean();
    history.replaceState(null, "", this.config.urls.page);
    this.drawTitle();
  }

  clean() {
    this.before = this.sign();
  }

  sign() {
    return JSON.stringify(this.help.content());
  }

  get isChanged() {
    return this.sign() !== this.before;
  }

  async mayLeave() {
    if (!this.current || !this.isMine || !this.isChanged) return true;
    return ask({
      title: "Leave your changes?",
      text: `“${this.current.name}” has changes that are not saved.`,
      yes: "Leave them",
      no: "Stay",
      danger: true,
    });
  }

  drawTitle() {
    const { current } = this;
    const doing = (what, symbol, words, danger) =>
      el("button", { type: "button", "data-do": what, class: danger ? "danger" : null }, icon(symbol), ` ${words}`);
    const own = current && this.isMine;
    this.title.replaceChildren(
      ...(current
        ? [
            el("b", { class: "clip" }, current.name),
            el("span", { class: "mut small" }, this.isMine ? `v${current.number}` : `v${current.number} by ${current.owner_name}`),
            el(
              "details",
              { class: "menu" },
              el("summary", { class: "icon-button", "aria-label": "More about this query" }, icon("dots")),
              el(
                "div",
                { class: "menu-items" },
                own
                  ? doing("share", current.is_shared ? "lock" : "users", current.is_shared ? "Keep it to myself" : "Share in the project")
                  : null,
                own ? doing("rename", "edit", "Rename") : null,
                doing("versions", "versions", "Versions"),
                doing("copy", "copy", "Save as another"),
                doing("new", "plus", "New query"),
                own ? doing("delete", "trash", "Delete", true) : null,
              ),
            ),
          ]
        : [el("span", { class: "mut small" }, "not saved")]),
    );
  }

  // --- changing

  act(what) {
    this.title.querySelector("details")?.removeAttribute("open");
    return this[what]();
  }

  async keep() {
    if (!this.current || !this.isMine) return this.copy();
    await this.tried(async () => {
      const saved = await request(`${this.url(this.current.id)}/versions/`, {
        method: "POST",
        body: { ...this.help.content(), base: this.current.opened },
      });
      this.saved(saved, `“${saved.name}” is saved as version ${saved.number}.`);
    });
  }

  async copy() {
    const asked = await named({ title: "Save the query", name: this.current ? `${this.current.name} (mine)` : "", share: true });
    if (!asked) return;
    await this.tried(async () => {
      const saved = await request(this.config.urls.saved, {
        method: "POST",
        body: { ...this.help.content(), name: asked.name, is_shared: asked.shared },
      });
      this.saved(saved, `“${saved.name}” is saved${saved.is_shared ? ", and shared in the project" : ", for you alone"}.`);
    });
  }

  async rename() {
    const asked = await named({ title: "Rename the query", name: this.current.name, share: false });
    if (asked) await this.change({ name: asked.name }, "Renamed.");
  }

  share() {
    const shared = !this.current.is_shared;
    return this.change({ is_shared: shared }, shared ? "Everybody who may see data in this project sees it now." : "Only you see it now.");
  }

  change(body, words) {
    return this.tried(async () => {
      const { opened } = this.current;
      this.current = { ...(await request(this.url(this.current.id), { method: "PATCH", body })), opened };
      this.drawTitle();
      this.drawSaved();
      show({ text: words, tone: "ok" });
    });
  }

  async delete() {
    const { id, name } = this.current;
    if (!(await ask({ title: `Delete “${name}”?`, text: "All its versions go with it.", yes: "Delete", danger: true }))) return;
    await this.tried(async () => {
      await request(this.url(id), { method: "DELETE" });
      this.current = null;
      history.replaceState(null, "", this.config.urls.page);
      this.drawTitle();
      this.drawSaved();
      show({ text: `“${name}” is deleted. Its text is still here.`, tone: "ok" });
    });
  }

  async new() {
    if (!(await this.mayLeave())) return;
    this.current = null;
    this.help.open({ sql: "", parameters: {}, chart: {} }, null);
    history.replaceState(null, "", this.config.urls.page);
    this.drawTitle();
    this.drawSaved();
  }

  async versions() {
    const list = await all(`${this.url(this.current.id)}/versions/`);
    const number = await dialog({
      title: `Versions of “${this.current.name}”`,
      wide: true,
      body: (close) =>
        el(
          "ul",
          { class: "plain query-versions" },
          list.map((version) =>
            el(
              "li",
              {},
              el(
                "div",
                { class: "flow between" },
                el("span", {}, el("b", {}, `v${version.number}`), ` ${version.saved_by}, ${ago(new Date(version.saved_at))}`),
                el("button", { type: "button", class: "btn sm", onclick: () => close(version.number) }, "Open"),
              ),
              el("pre", { class: "mono small" }, version.sql.slice(0, 2000)),
            ),
          ),
        ),
      footer: (close) => el("button", { type: "button", class: "btn", onclick: () => close(undefined) }, "Close"),
    });
    if (number !== undefined) await this.open(this.current.id, number);
  }

  saved(saved, words) {
    this.current = { ...saved, opened: saved.number };
    this.clean();
    history.replaceState(null, "", `${this.config.urls.page}?saved=${saved.id}`);
    this.drawTitle();
    this.drawSaved();
    show({ text: words, tone: "ok" });
  }

  async tried(work) {
    try {
      await work();
    } catch (error) {
      show({ text: error.message, tone: "bad" });
    }
  }
}

/** Every row of a list of the API, page after page. */
async function all(url) {
  const found = [];
  for (let next = `${url}?limit=200`; next; ) {
    const page = await request(next);
    found.push(...page.results);
    next = page.next && new URL(page.next, location.href).href.replace(new URL(page.next, location.href).origin, location.origin);
  }
  return found;
}

function named({ title, name, share }) {
  const field = el("input", {
    class: "form-control",
    id: "query-name",
    maxlength: 80,
    required: true,
    value: name,
    autofocus: true,
    autocomplete: "off",
  });
  const shared = el("input", { type: "checkbox", class: "form-check-input" });
  return dialog({
    title,
    body: (close) => {
      field.addEventListener(
        "keydown",
        (event) => event.key === "Enter" && field.value.trim() && close({ name: field.value, shared: shared.checked }),
      );
      return [
        el("div", { class: "field" }, el("label", { for: "query-name" }, "Name"), field),
        share && el("label", { class: "form-check" }, shared, "Share it: everybody who may see data in this project sees its text"),
        share && el("p", { class: "mut small" }, "The text, the values of its parameters and the chart's columns are kept, and no rows."),
      ];
    },
    footer: (close) => [
      el("button", { type: "button", class: "btn", onclick: () => close(undefined) }, "Cancel"),
      el(
        "button",
        {
          type: "button",
          class: "btn primary",
          onclick: () => field.reportValidity() && close({ name: field.value, shared: shared.checked }),
        },
        "Save",
      ),
    ],
  });
}
