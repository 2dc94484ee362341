// Asks how two people's changes of one job come together, stage by stage. What only one changed is taken; what both changed is asked.
import { highlightSql } from "../../vendor/codemirror.js";
import { dialog, el, icon, plural } from "../dom.js";
import { changesOf, merged, sign } from "./changes.js";

/** Asks; resolves to the merged document, or undefined when the person goes on without. */
export function mergeByStage({ base, theirs, mine, who, theirNumber, baseNumber }) {
  const changes = changesOf(base, theirs, mine);
  const open = () => changes.filter((change) => !change.pick).length;
  return dialog({
    title: `${who} saved v${theirNumber} while you worked`,
    wide: true,
    body: (_close, box) => {
      box.classList.add("merge-dialog");
      const told = () => {
        const left = open();
        const take = box.querySelector("[data-take]");
        take.disabled = left > 0;
        box.querySelector("[data-left]").textContent = left ? `${plural(left, "part")} to choose` : "Nothing left to choose";
      };
      const head = el(
        "thead",
        {},
        el(
          "tr",
          {},
          ["", baseNumber ? `v${baseNumber}, where you started` : "At the start", `v${theirNumber} by ${who}`, "Yours"].map((word) =>
            el("th", { scope: "col" }, word),
          ),
        ),
      );
      const rows = changes.map((change) => rowOf(change, who, told));
      const words = changes.length
        ? el("p", {}, "What only one of you changed is taken already. Where both changed the same part, choose.")
        : el("p", {}, "You both have the same; there is nothing to choose.");
      queueMicrotask(told);
      return [
        words,
        el(
          "div",
          { class: "scroll-x", tabindex: "0", role: "group", "aria-label": "Changes" },
          el("table", { class: "merge plain" }, head, el("tbody", {}, rows)),
        ),
      ];
    },
    footer: (close) => [
      el("span", { class: "mut grow", "data-left": "" }),
      el("button", { type: "button", class: "btn", onclick: () => close() }, "Later"),
      el(
        "button",
        { type: "button", class: "btn primary", "data-take": "", onclick: () => close(merged(base, theirs, mine, changes)) },
        icon("git-merge"),
        "Bring together",
      ),
    ],
  });
}

function rowOf(change, who, told) {
  const both = !change.pick;
  const pick = (side, label) =>
    el(
      "label",
      { class: "pick-side" },
      el("input", {
        type: "radio",
        name: change.name,
        value: side,
        checked: change.pick === side,
        onchange: () => {
          change.pick = side;
          told();
        },
      }),
      el("span", {}, label),
      partOf(change[side], change),
    );
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      change.name,
      el(
        "small",
        {},
        both
          ? el("span", { class: "warn" }, icon("alert-triangle"), " both changed")
          : change.pick === "theirs"
            ? `${who} changed`
            : "you changed",
      ),
    ),
    el("td", {}, partOf(change.base, change)),
    el("td", {}, pick("theirs", "take this")),
    el("td", {}, pick("mine", "take this")),
  );
}

/** A part as a person reads it: its SQL in colours, or its JSON; only what differs from the others. */
function partOf(part, change) {
  if (part === undefined) return el("span", { class: "mut" }, "not there");
  if (typeof part !== "object") return el("span", {}, String(part));
  const others = [change.base, change.theirs, change.mine].filter((other) => other && other !== part);
  const differs = (key) => others.length === 0 || others.some((other) => sign(other[key]) !== sign(part[key]));
  const { sql, ...rest } = part;
  const shown = Object.fromEntries(Object.entries(rest).filter(([key]) => differs(key)));
  const pre = el("pre", { class: "wrap" });
  if (typeof sql === "string" && differs("sql")) highlightSql(pre, sql);
  return el(
    "div",
    {},
    pre.childNodes.length ? pre : null,
    Object.keys(shown).length
      ? el(
          "pre",
          { class: "wrap mut" },
          Object.entries(shown)
            .map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
            .join("\n"),
        )
      : null,
  );
}
