import assert from "node:assert/strict";
import { test } from "node:test";
import { fitting, MOST_SERIES, proposed, seriesOf, whyNone } from "../../static/js/query/chart_data.js";
import { quoted } from "../../static/js/query/names.js";
import { namesIn } from "../../static/js/query/parameters.js";
import { wordsOf } from "../../static/js/query/shape.js";

const column = (name, type) => ({ name, type });
const [origin, day, flights, delay] = [
  column("origin", "string"),
  column("day", "date"),
  column("flights", "bigint"),
  column("delay", "double"),
];

test("a chart is proposed of what columns hold", () => {
  assert.deepEqual(proposed([origin, day, flights, delay]), { kind: "line", x: "day", y: ["flights"], by: "origin" });
  assert.deepEqual(proposed([origin, flights]), { kind: "bar", x: "origin", y: ["flights"], by: "" });
  assert.deepEqual(proposed([column("month", "int"), flights]), { kind: "line", x: "month", y: ["flights"], by: "" });
  assert.deepEqual(proposed([flights, delay]), { kind: "scatter", x: "flights", y: ["delay"], by: "" });
  assert.deepEqual(proposed([flights]), { kind: "bar", x: "", y: ["flights"], by: "" });
  assert.equal(proposed([origin, day]), null);
});

test("a saved chart is kept as far as the result still has its columns", () => {
  const saved = { kind: "bar", x: "origin", y: ["flights", "gone"], by: "gone" };
  assert.deepEqual(fitting(saved, [origin, flights]), { kind: "bar", x: "origin", y: ["flights"], by: "" });
  assert.equal(fitting({ ...saved, x: "gone" }, [origin, flights]).x, "origin");
  assert.equal(fitting(null, [origin, flights]).kind, "bar");
  assert.deepEqual(fitting({ ...saved, y: ["origin"] }, [origin, flights]).y, ["flights"], "only numbers are drawn");
});

test("where nothing can be drawn it is said why, and what makes numbers of a text", () => {
  assert.match(
    whyNone({
      columns: [origin, column("amount", "string")],
      rows: [
        ["EWR", "-"],
        ["JFK", "12.5"],
      ],
    }),
    /“amount” is text.*try_cast\(amount/,
  );
  assert.doesNotMatch(whyNone({ columns: [origin], rows: [["EWR"], ["-"]] }), /try_cast/);
});

test("each row is drawn for itself, and what is left out is told", () => {
  const rows = [
    ["EWR", "2013-01-02", 2],
    ["EWR", "2013-01-01", 1],
    ["JFK", "2013-01-01", null],
    ["JFK", "2013-01-01", "9007199254740993"],
    ["JFK", "2013-01-01", 4],
  ];
  const found = seriesOf({ kind: "line", x: "day", y: ["flights"], by: "origin" }, { columns: [origin, day, flights], rows });
  assert.deepEqual(
    found.series.map(({ name, points }) => [name, points.map(([, value]) => value)]),
    [
      ["EWR", [1, 2]],
      ["JFK", [9007199254740992, 4]],
    ],
  );
  assert.equal(found.x, "time");
  assert.equal(new Date(found.series[0].points[0][0]).getDate(), 1); // the first of January, wherever the reader is
  assert.deepEqual(found.notes, [
    "1 empty value is left out.",
    "Some places have several rows: each is drawn for itself, nothing is summed up.",
  ]);
});

test("no more lines than can be told apart", () => {
  const rows = Array.from({ length: 20 }, (_, number) => [`a${number}`, number]);
  const found = seriesOf({ kind: "bar", x: "", y: ["flights"], by: "origin" }, { columns: [origin, flights], rows });
  assert.equal(found.series.length, MOST_SERIES);
  assert.match(found.notes[0], /first 12 of 20/);
});

test("parameters are found once each, without those of Sluice itself", () => {
  assert.deepEqual(namesIn("SELECT ${a}, ${ b }, '${a}' WHERE e = '${environment}' AND ${not a name}"), ["a", "b"]);
});

test("filters in words, names as SQL takes them", () => {
  assert.equal(wordsOf({ column: "n", how: ">", value: "5" }), "n > 5");
  assert.equal(wordsOf({ column: "n", how: "is empty", value: "" }), "n is empty");
  assert.equal(quoted("day"), "day");
  assert.equal(quoted("total `EUR`"), "`total ``EUR```");
});
