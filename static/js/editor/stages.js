// What is known of stage types, and stages made of it.
let types = new Map();

export function know(list) { types = new Map(list.map((type) => [type.type, type])); }

const UNKNOWN = { kind: "unknown", kind_title: "", icon: "question-mark", words: "Sluice does not know this type.", fields: [], example: {} };
export const typeOf = (stage) => types.get(stage?.type) ?? { ...UNKNOWN, type: String(stage?.type ?? "") };
export const allTypes = () => [...types.values()];
export const fieldsOf = (stage) => typeOf(stage).fields;
export const sqlField = (stage) => fieldsOf(stage).find((field) => field.widget === "sql");

/** A stage of this type to put at `at`: the example, with names nobody has yet and the view that was made last as its input. */
export function newStage(type, store, at, given = {}) {
  const stage = { ...structuredClone(types.get(type).example), ...given };
  stage.name = freeName(stage.name, store.stages.map((other) => other.name));
  if (stage.outputView) stage.outputView = freeName(given.outputView ?? stage.outputView, store.stages.map((other) => other.outputView));
  const last = store.viewsBefore(at).at(-1);
  for (const field of fieldsOf(stage)) if (field.widget === "view" && stage[field.name] && last) stage[field.name] = last.name;
  if (typeof stage.sql === "string" && last) stage.sql = startingSql(stage, last.name);
  return stage;
}

/** A query about the view at hand; the example's own names would only be wrong here. */
function startingSql(stage, view) {
  if (stage.type === "SQLValidate") return `SELECT count(*) > 0 AS outcome,\n       'There are no rows.' AS message\nFROM ${view}`;
  if (typeOf(stage).kind === "execute") return `SELECT concat('There are ', count(*), ' rows.') AS message\nFROM ${view}`;
  return `SELECT *\nFROM ${view}`;
}

export function copyOf(stage, store) {
  const copy = structuredClone(stage);
  delete copy.id;
  copy.name = freeName(String(stage.name ?? "step"), store.stages.map((other) => other.name));
  if (copy.outputView) copy.outputView = freeName(copy.outputView, store.stages.map((other) => other.outputView));
  return copy;
}

function freeName(wish, taken) {
  if (!taken.includes(wish)) return wish;
  const base = wish.replace(/_\d+$/, "");
  for (let number = 2; ; number += 1) if (!taken.includes(`${base}_${number}`)) return `${base}_${number}`;
}

/** raw/flights_2013.csv.gz → flights_2013 */
export function nameFromFile(uri) {
  const word = uri.split("/").pop().replace(/\.(gz|bz2)$/, "").replace(/\.\w+$/, "").toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^_+|_+$/g, "");
  return /^[a-z_]/.test(word) ? word : `t_${word}`;
}
