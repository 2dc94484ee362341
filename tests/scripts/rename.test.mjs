import assert from "node:assert/strict";
import { test } from "node:test";
import { renamedInSql, renamedUses } from "../../static/js/editor/rename.js";

const same = (sql) => assert.equal(renamedInSql(sql, "flights", "trips"), sql);
const becomes = (sql, wanted) => assert.equal(renamedInSql(sql, "flights", "trips"), wanted);

test("what is read behind FROM and JOIN, in lists and below, gets the new name", () => {
  becomes("SELECT * FROM flights", "SELECT * FROM trips");
  becomes("select * from Flights f join planes p on f.a = p.a", "select * from trips f join planes p on f.a = p.a");
  becomes("SELECT * FROM planes, flights WHERE 1 = 1", "SELECT * FROM planes, trips WHERE 1 = 1");
  becomes("SELECT (SELECT max(day) FROM flights) FROM planes", "SELECT (SELECT max(day) FROM trips) FROM planes");
  becomes("SELECT * FROM `flights`", "SELECT * FROM `trips`");
  becomes("SELECT * FROM a UNION ALL SELECT * FROM flights", "SELECT * FROM a UNION ALL SELECT * FROM trips");
});

test("columns named by the view follow", () => {
  becomes("SELECT flights.day, count(flights) FROM flights", "SELECT trips.day, count(flights) FROM trips");
});

test("a column, a text or a comment of the same name stays", () => {
  same("SELECT flights FROM planes");
  same("SELECT 'from flights' FROM planes -- from flights");
  same('SELECT "from flights" FROM planes /* from flights */');
  same("SELECT year, flights FROM planes GROUP BY year, flights");
  same("SELECT extract(year FROM flights) FROM planes");
  same("SELECT p.flights FROM planes p");
});

test("a name that the query itself gives is its own", () => {
  same("WITH flights AS (SELECT 1 AS a) SELECT * FROM flights");
  same("SELECT flights.a FROM planes flights");
  same("SELECT flights.a FROM planes AS flights");
});

test("only stages below, and only as far as the old name is not made anew, are changed", () => {
  const fields = { viewFields: (stage) => (stage.inputView ? ["inputView"] : []), sqlField: (stage) => (stage.sql ? "sql" : undefined) };
  const stages = [
    { name: "before", sql: "SELECT * FROM flights", outputView: "x" },
    { name: "read", outputView: "trips" },
    { name: "use", sql: "SELECT * FROM flights", outputView: "y" },
    { name: "again", inputView: "flights", outputView: "flights" },
    { name: "later", sql: "SELECT * FROM flights" },
  ];
  const after = renamedUses(stages, 1, "flights", "trips", fields);
  assert.equal(after.uses, 2);
  assert.deepEqual(
    after.stages.map((stage) => stage.sql ?? stage.inputView),
    ["SELECT * FROM flights", undefined, "SELECT * FROM trips", "trips", "SELECT * FROM flights"],
  );
});
