// From what a stage says of a database or bucket to the connection that it names instead. Where a secret stands is told by the server
// (executor/document/suggested_connections.py); the secret itself is taken from the document here, and goes into a sealed field only.

/** The secret at a place of the document; empty where it is not there any more. */
export function secretAt(doc, place) {
  const text = place.path.reduce((inside, key) => inside?.[key], doc);
  if (typeof text !== "string") return "";
  const found = Array.from(text).slice(place.start, place.end).join("");
  return place.decodes ? decoded(found) : found;
}

function decoded(text) {
  try {
    return decodeURIComponent(text.replaceAll("+", "%20"));
  } catch {
    return text;
  }
}

/** Field → secret, of everything that the document still holds. */
export const secretsOf = (doc, suggested) =>
  Object.fromEntries(Object.entries(suggested.secrets).map(([name, place]) => [name, secretAt(doc, place)]));

/** Of `all` those that lead to the same place with the same secrets: one connection is for all of them. */
export function alike(doc, suggested, all) {
  const sign = (one) => JSON.stringify([one.kind, one.settings, secretsOf(doc, one), one.root?.split("/")[2]]);
  return all.filter((one) => sign(one) === sign(suggested));
}

/** The stage without what the connection stands in for; it names the connection, unless a root on it is meant. */
export function withConnection(stage, suggested, name) {
  const out = new Set(suggested.takes_out);
  const kept = Object.entries(stage)
    .filter(([field]) => !out.has(field))
    .map(([field, value]) => [field, isMap(value) ? inside(field, value, out) : value])
    .filter(([field, value]) => !(isMap(value) && isMap(stage[field]) && Object.keys(stage[field]).length && !Object.keys(value).length));
  return suggested.root ? Object.fromEntries(kept) : named(Object.fromEntries(kept), name);
}

const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const inside = (field, map, out) => Object.fromEntries(Object.entries(map).filter(([key]) => !out.has(`${field}.${key}`)));

/** `connection` stands right behind the name, where its form has it. */
function named(stage, name) {
  const { type, name: called, ...rest } = stage;
  return { ...(type === undefined ? {} : { type }), ...(called === undefined ? {} : { name: called }), connection: name, ...rest };
}

/** The folder that holds all of these folders, each with / at its end. */
export function commonFolder(folders) {
  const [first, ...others] = folders.map((folder) => folder.split("/").slice(0, -1));
  const upTo = first.findIndex((part, place) => others.some((other) => other[place] !== part));
  return `${first.slice(0, upTo < 0 ? first.length : upTo).join("/")}/`;
}

/** The name, or the next one that nobody has. */
export function freeName(name, taken) {
  let found = name;
  for (let number = 2; taken.includes(found); number += 1) found = `${name}_${number}`;
  return found;
}
