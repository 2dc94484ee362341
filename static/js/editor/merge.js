// Two people changed one job: what each of them did, stage by stage. What only one changed is taken; what both changed is asked.
import { highlightSql } from "../../vendor/codemirror.js";
import { dialog, el, icon, plural } from "../dom.js";

/** Content as text, whatever the order of its keys; "" for what is not there. */
export const sign = (value) => (value === undefined ? "" : JSON.stringify(value, (_, item) => (item && typeof item === "object" && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort()) : item)));

/** Parts of a document by name: every stage, every parameter, the description. */
function partsOf(doc) {
  const parts = new Map();
  for (const stage of doc.stages) parts.set(`stage ${stage.name}`, stage);
  for (const [name, parameter] of Object.entries(doc.parameters ?? {})) parts.set(`parameter ${name}`, parameter);
  if (doc.description !== undefined) parts.set("description", doc.description);
  return parts;
}

/** Every part that differs: { name, base, theirs, mine, pick: "theirs" | "mine" | null }; pick is null where both changed it. */
export function changesOf(base, theirs, mine) {
  const [b, t, m] = [base, theirs, mine].map(partsOf);
  const names = [...new Set([...m.keys(), ...t.keys(), ...b.keys()])];
  return names.map((name) => {
    const [inBase, inTheirs, inMine] = [b, t, m].map((parts) => sign(parts.get(name)));
    if (inTheirs === inMine) return null;
    const pick = inTheirs === inBase ? "mine" : inMine === inBase ? "theirs" : null;
    return { name, base: b.get(name), theirs: t.get(name), mine: m.get(name), pick };
  }).filter(Boolean);
}

/** The document after every choice. Stages keep the order of whoever changed it; new ones follow what they followed. */
export function merged(base, theirs, mine, changes) {
  const chosen = new Map(changes.map((change) => [change.name, change[change.pick]]));
  const value = (name, doc) => (chosen.has(name) ? chosen.get(name) : partsOf(doc).get(name));
  const order = (doc) => doc.stages.map((stage) => stage.name);
  const common = (doc) => order(doc).filter((name) => order(base).includes(name) && order(theirs).includes(name) && order(mine).includes(name)).join("\n");
  const [first, second] = common(mine) === common(base) ? [theirs, mine] : [mine, theirs];
  const names = order(first);
  order(second).forEach((name, place) => { if (!names.includes(name)) names.splice(names.indexOf(order(second)[place - 1]) + 1, 0, name); });
  const stages = names.map((name) => value(`stage ${name}`, partsOf(mine).has(`stage ${name}`) ? mine : theirs)).filter((stage) => stage !== undefined);
  const all = [...new Set([...Object.keys(mine.parameters ?? {}), ...Object.keys(theirs.parameters ?? {})])];
  const parameters = Object.fromEntries(all.map((name) => [name, value(`parameter ${name}`, mine)]).filter(([, item]) => item !== undefined));
  const description = value("description", mine);
  return { ...(description === undefined ? {} : { description }), ...(Object.keys(parameters).length ? { parameters } : {}), stages };
}

/** Asks; resolves to the merged document, or undefined when the person goes on without. */
export function mergeByStage({ base, theirs, mine, who, theirNumber, baseNumber }) {
  const changes = changesOf(base, theirs, mine);
  const open = () => changes.filter((change) => !change.pick).length;
  return dialog({
    title: `${who} saved v${theirNumber} while you worked`,
    wide: true,
    body: (close, box) => {
      box.classList.add("merge-dialog");
      const told = () => { const left = open(); const take = box.querySelector("[data-take]"); take.disabled = left > 0; box.querySelector("[data-left]").textContent = left ? `${plural(left, "part")} to choose` : "Nothing left to choose"; };
      const head = el("thead", {}, el("tr", {}, ["", baseNumber ? `v${baseNumber}, where you started` : "At the start", `v${theirNumber} by ${who}`, "Yours"].map((word) => el("th", { scope: "col" }, word))));
      const rows = changes.map((change) => rowOf(change, who, told));
      const words = changes.length ? el("p", {}, "What only one of you changed is taken already. Where both changed the same part, choose.") : el("p", {}, "You both have the same; there is nothing to choose.");
      queueMicrotask(told);
      return [words, el("div", { class: "scroll-x", tabindex: "0", role: "group", "aria-label": "Changes" }, el("table", { class: "merge plain" }, head, el("tbody", {}, rows)))];
    },
    footer: (close) => [el("span", { class: "mut grow", "data-left": "" }), el("button", { type: "button", class: "btn", onclick: () => close() }, "Later"), el("button", { type: "button", class: "btn primary", "data-take": "", onclick: () => close(merged(base, theirs, mine, changes)) }, icon("git-merge"), "Bring together")],
  });
}

function rowOf(change, who, told) {
  const both = !change.pick;
  const pick = (side, label) => el("label", { class: "pick-side" },
    el("input", { type: "radio", name: change.name, value: side, checked: change.pick === side, onchange: () => { change.pick = side; told(); } }), el("span", {}, label), partOf(change[side], change));
  return el("tr", {}, el("th", { scope: "row" }, change.name, el("small", {}, both ? el("span", { class: "warn" }, icon("alert-triangle"), " both changed") : change.pick === "theirs" ? `${who} changed` : "you changed")),
    el("td", {}, partOf(change.base, change)), el("td", {}, pick("theirs", "take this")), el("td", {}, pick("mine", "take this")));
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
  return el("div", {}, pre.childNodes.length ? pre : null, Object.keys(shown).length ? el("pre", { class: "wrap mut" }, Object.entries(shown).map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join("\n")) : null);
}
