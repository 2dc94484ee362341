// What two people changed in one document, and the two brought together. Knows nothing of the page.
/** Content as text, whatever the order of its keys; "" for what is not there. */
export const sign = (value) =>
  value === undefined
    ? ""
    : JSON.stringify(value, (_, item) =>
        item && typeof item === "object" && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort()) : item,
      );

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
  return names
    .map((name) => {
      const [inBase, inTheirs, inMine] = [b, t, m].map((parts) => sign(parts.get(name)));
      if (inTheirs === inMine) return null;
      const pick = inTheirs === inBase ? "mine" : inMine === inBase ? "theirs" : null;
      return { name, base: b.get(name), theirs: t.get(name), mine: m.get(name), pick };
    })
    .filter(Boolean);
}

/** The document after every choice. Stages keep the order of whoever changed it; new ones follow what they followed. */
export function merged(base, theirs, mine, changes) {
  const chosen = new Map(changes.map((change) => [change.name, change[change.pick]]));
  const value = (name, doc) => (chosen.has(name) ? chosen.get(name) : partsOf(doc).get(name));
  const order = (doc) => doc.stages.map((stage) => stage.name);
  const common = (doc) =>
    order(doc)
      .filter((name) => order(base).includes(name) && order(theirs).includes(name) && order(mine).includes(name))
      .join("\n");
  const [first, second] = common(mine) === common(base) ? [theirs, mine] : [mine, theirs];
  const names = order(first);
  order(second).forEach((name, place) => {
    if (!names.includes(name)) names.splice(names.indexOf(order(second)[place - 1]) + 1, 0, name);
  });
  const stages = names
    .map((name) => value(`stage ${name}`, partsOf(mine).has(`stage ${name}`) ? mine : theirs))
    .filter((stage) => stage !== undefined);
  const all = [...new Set([...Object.keys(mine.parameters ?? {}), ...Object.keys(theirs.parameters ?? {})])];
  const parameters = Object.fromEntries(
    all.map((name) => [name, value(`parameter ${name}`, mine)]).filter(([, item]) => item !== undefined),
  );
  const description = value("description", mine);
  return { ...(description === undefined ? {} : { description }), ...(Object.keys(parameters).length ? { parameters } : {}), stages };
}

/** Every part that differs between two documents: { name, before, after, kind: "added" | "taken" | "changed" }. */
export function partsChanged(base, mine) {
  return changesOf(base, base, mine).map(({ name, base: before, mine: after }) => ({
    name,
    before,
    after,
    kind: before === undefined ? "added" : after === undefined ? "taken" : "changed",
  }));
}

/** What a version's message may begin with: `Changed stage daily_delays; added stage save`. */
export function messageOf(parts) {
  const words = { added: "added", taken: "took out", changed: "changed" };
  const said = Object.entries(words)
    .map(([kind, word]) => {
      const names = parts.filter((part) => part.kind === kind).map((part) => part.name);
      const more = names.length > 3 ? ` and ${names.length - 2} more` : "";
      return names.length ? `${word} ${names.slice(0, more ? 2 : 3).join(", ")}${more}` : "";
    })
    .filter(Boolean)
    .join("; ");
  return said.charAt(0).toUpperCase() + said.slice(1);
}
