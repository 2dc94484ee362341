// What is known of stage types, and stages made of it.
let types = new Map();
let connections = [];

/** The stage types, and the connections that a stage can name ({ name, offers }). */
export function know(list, known = []) {
  types = new Map(list.map((type) => [type.type, type]));
  connections = known;
}

const UNKNOWN = {
  kind: "unknown",
  kind_title: "",
  icon: "question-mark",
  words: "Sluice does not know this type.",
  fields: [],
  example: {},
};
export const typeOf = (stage) => types.get(stage?.type) ?? { ...UNKNOWN, type: String(stage?.type ?? "") };
export const allTypes = () => [...types.values()];
export const fieldsOf = (stage) => typeOf(stage).fields;
export const sqlField = (stage) => fieldsOf(stage).find((field) => field.widget === "sql");

/** The columns of a view as the document says them: those of the typing stage that makes it. Known before Spark has looked at anything. */
export function typedColumns(stages, view) {
  const maker = stages.findLast((stage) => stage.outputView?.toLowerCase?.() === view?.toLowerCase() && Array.isArray(stage.schema));
  return (maker?.schema ?? []).filter((column) => column?.name).map(({ name, type }) => ({ name, type: String(type ?? "") }));
}

/** A stage of this type to put at `at`: the example, about the view that was made last, with names nobody has yet. */
export function newStage(type, store, at, given = {}) {
  const last = store.viewsBefore(at).at(-1);
  const stage = { ...withoutItsData(exampleAbout(last?.name, types.get(type))), ...given };
  return withFreeNames(stage, store);
}

/** Without what only the example's data has: its table, and the columns it goes by. Of connections the only one that fits is taken. */
function withoutItsData(stage) {
  const kept = { ...stage };
  for (const { name, widget, offers } of fieldsOf(stage)) {
    const fits = widget === "connection" ? connections.filter((one) => one.offers === offers) : [];
    if (fits.length === 1) kept[name] = fits[0].name;
    else if (widget === "connection" || widget === "list" || name === "tableName") delete kept[name];
  }
  return kept;
}

/** The type's example with `view` in place of its own input, also where names and places are built of that: what it writes to may hold other data. */
function exampleAbout(view, { example, kind }) {
  const stage = structuredClone(example);
  if (!view) return typeof stage.sql === "string" ? { ...stage, ...startingQuery(stage.type, kind, view) } : stage;
  const inputs = fieldsOf(stage)
    .filter((field) => field.widget === "view" && stage[field.name])
    .map((field) => field.name);
  const input = stage[inputs[0]];
  for (const name of ["name", "outputView", "outputURI"]) if (input && stage[name]) stage[name] = stage[name].replace(input, view);
  for (const name of inputs) stage[name] = view;
  return typeof stage.sql === "string" ? { ...stage, ...startingQuery(stage.type, kind, view) } : stage;
}

/** A query about the view at hand and what it makes; the example's own would only be wrong here. Without a view it asks nothing yet. */
function startingQuery(type, kind, view) {
  const from = view ? `\nFROM ${view}` : "";
  if (type === "SQLValidate")
    return { name: "there_are_rows", sql: `SELECT count(*) > 0 AS outcome,\n       concat(count(*), ' rows') AS message${from}` };
  if (kind === "execute") return { sql: `SELECT concat('There are ', count(*), ' rows.') AS message${from}` };
  return { name: "query", outputView: "query", sql: view ? `SELECT *${from}` : "SELECT 1 AS n" };
}

export function copyOf(stage, store) {
  const copy = structuredClone(stage);
  delete copy.id;
  copy.name = String(stage.name ?? "stage");
  return withFreeNames(copy, store);
}

/** The stage; what it is called, makes and writes to is no other stage's. */
function withFreeNames(stage, store) {
  for (const field of ["name", "outputView", "outputURI"]) {
    const taken = store.stages.map((other) => other[field]);
    if (stage[field]) stage[field] = freeName(stage[field], taken);
  }
  return stage;
}

function freeName(wish, taken) {
  if (!taken.includes(wish)) return wish;
  const base = wish.replace(/_\d{1,2}$/, "");
  for (let number = 2; ; number += 1) if (!taken.includes(`${base}_${number}`)) return `${base}_${number}`;
}

/** raw/flights_2013.csv.gz → flights_2013, curated/daily/ → daily */
export function nameFromFile(uri) {
  const last = uri.split("/").filter(Boolean).at(-1) ?? "";
  const word = last
    .replace(/\.(gz|bz2)$/, "")
    .replace(/\.\w+$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return /^[a-z_]/.test(word) ? word : `t_${word}`;
}

/** A place in some 34 signs, as many as there is room for: what lies deep keeps its own name, which tells it from its neighbours. */
export function inShort(uri) {
  const parts = uri.split("/");
  return uri.length > 34 && parts.length > 2 ? `${parts[0]}/…/${parts.at(-1)}` : uri;
}
