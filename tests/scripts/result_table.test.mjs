import assert from "node:assert/strict";
import test from "node:test";
import { errorsFirst, errorWords } from "../../static/js/result_table.js";

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
