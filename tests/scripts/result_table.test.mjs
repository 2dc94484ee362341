import assert from "node:assert/strict";
import test from "node:test";
import { brief, errorsFirst, errorWords, shareOf } from "../../static/js/result_table.js";

const column = { name: "_errors", type: "array<struct<field:string,message:string>>" };

test("what is wrong with a row is said in words, a line for each value", () => {
  const cell = [
    { field: "day", message: "“31.02.2024” is not a date." },
    { field: "", message: "The row has not 6 values." },
  ];
  assert.equal(errorWords(cell, column), "day: “31.02.2024” is not a date.\nThe row has not 6 values.");
  assert.equal(errorWords([{ field: "day", message: "day is missing" }], column), "day is missing");
});

test("another column of that name is data", () => {
  assert.equal(errorWords(["x"], { name: "_errors", type: "array<string>" }), null);
  assert.equal(errorWords("cut …", column), null);
});

test("it stands first where it is what people look for", () => {
  const moved = errorsFirst({ complete: true, columns: [{ name: "a" }, column, { name: "b" }], rows: [[1, ["x"], 2]] });
  assert.deepEqual(moved, { complete: true, columns: [column, { name: "a" }, { name: "b" }], rows: [[["x"], 1, 2]] });
  const without = { columns: [{ name: "a" }], rows: [[1]] };
  assert.deepEqual(errorsFirst(without), without);
});

test("from where to where never says a larger number than there is", () => {
  assert.deepEqual([14165887.5, 1306.943, 113.43, 0.5461, 12132666, -1239.745].map(brief), [
    "14,165,888",
    "1,307",
    "113.43",
    "0.546",
    "12,132,666",
    "-1,240",
  ]);
});

test("a share is all or none only where it is", () => {
  const shares = [0, 1, 500, 999, 1000].map((part) => shareOf(part, 1000));
  assert.deepEqual(shares, ["0 %", "1 %", "50 %", "99 %", "100 %"]);
});
