import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { copyOf, inShort, know, nameFromFile, newStage, typedColumns, typeOf } from "../../static/js/editor/stages.js";

const field = (name, widget) => ({ name, widget });
const SQL = {
  type: "SQLTransform",
  kind: "transform",
  fields: [field("sql", "sql")],
  example: { type: "SQLTransform", name: "daily", sql: "SELECT 1", outputView: "daily" },
};
const LOAD = {
  type: "ParquetLoad",
  kind: "load",
  fields: [field("inputView", "view")],
  example: { type: "ParquetLoad", name: "save_flights", inputView: "flights", outputURI: "curated/flights" },
};
const store = (stages, views = []) => ({ stages, viewsBefore: () => views.map((name) => ({ name })) });

beforeEach(() => know([SQL, LOAD]));

test("a new load is about the view at hand, in its name and its place", () => {
  const made = newStage("ParquetLoad", store([], ["delays"]), 0);
  assert.deepEqual(made, { type: "ParquetLoad", name: "save_delays", inputView: "delays", outputURI: "curated/delays" });
});

test("what only the example's data has is left open, and the only connection that fits is taken", () => {
  const MERGE = {
    type: "MergeInto",
    kind: "load",
    fields: [field("keys", "list"), { ...field("connection", "connection"), offers: "database" }, field("tableName", "text")],
    example: { type: "MergeInto", name: "save", keys: ["origin"], connection: "shop", tableName: "orders" },
  };
  const fits = { name: "till", offers: "database" };
  know([MERGE], [fits, { name: "lake_s3", offers: "files" }]);
  assert.deepEqual(newStage("MergeInto", store([]), 0), { type: "MergeInto", name: "save", connection: "till" });
  know([MERGE], [fits, { name: "books", offers: "database" }]);
  assert.deepEqual(newStage("MergeInto", store([]), 0), { type: "MergeInto", name: "save" });
});

test("a new query asks the view at hand, not the example's", () => {
  assert.match(newStage("SQLTransform", store([], ["delays"]), 0).sql, /FROM delays$/);
});

test("a first query in an empty job asks no view that is not there", () => {
  assert.equal(newStage("SQLTransform", store([]), 0).sql, "SELECT 1 AS n");
});

test("names that are taken are counted on", () => {
  const others = [{ name: "query", outputView: "query" }, { name: "query_2" }];
  const made = newStage("SQLTransform", store(others, ["delays"]), 2);
  assert.equal(made.name, "query_3");
  assert.equal(made.outputView, "query_2");
  const loads = [{ name: "save_sales_2024", outputURI: "curated/sales_2024" }];
  const load = newStage("ParquetLoad", store(loads, ["sales_2024"]), 1);
  assert.deepEqual([load.name, load.outputURI], ["save_sales_2024_2", "curated/sales_2024_2"]);
  assert.equal(copyOf(loads[0], store(loads)).outputURI, "curated/sales_2024_2");
});

test("a copy has names of its own and no id", () => {
  const first = { id: "7", type: "SQLTransform", name: "daily", outputView: "daily", sql: "SELECT 1" };
  assert.deepEqual(copyOf(first, store([first])), { type: "SQLTransform", name: "daily_2", outputView: "daily_2", sql: "SELECT 1" });
});

test("a type that is not known is said to be unknown", () => {
  assert.equal(typeOf({ type: "KafkaLoad" }).kind, "unknown");
  assert.equal(typeOf(undefined).type, "");
});

test("view names made from files are names that SQL takes", () => {
  assert.equal(nameFromFile("raw/flights_2013.csv.gz"), "flights_2013");
  assert.equal(nameFromFile("raw/2024 Umsätze (EUR).csv"), "t_2024_ums_tze_eur");
  assert.equal(nameFromFile("curated/daily/"), "daily");
  assert.equal(nameFromFile(""), "t_");
});

test("columns of a typing stage are known from the document, in the order of their table", () => {
  const schema = [{ name: "year", type: "integer" }, { name: "carrier", type: "string" }, {}];
  const stages = [
    { outputView: "flights", inputURI: "raw/flights.csv" },
    { outputView: "Flights_Typed", schema },
  ];
  assert.deepEqual(typedColumns(stages, "flights_typed"), [
    { name: "year", type: "integer" },
    { name: "carrier", type: "string" },
  ]);
  assert.deepEqual(typedColumns(stages, "flights"), []);
  assert.deepEqual(typedColumns([{ outputView: 7, schema: "x" }, {}], undefined), []);
});

test("files of one folder are told apart where there is little room", () => {
  assert.equal(inShort("raw/meter_readings/readings_2024-01.csv"), "raw/…/readings_2024-01.csv");
  assert.equal(inShort("raw/readings.csv"), "raw/readings.csv");
  assert.equal(inShort(`raw/${"x".repeat(40)}.csv`), `raw/${"x".repeat(40)}.csv`);
});
