import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines } from "../../static/js/run-log-lines.js";
import { lineOf } from "../../static/js/run-log-words.js";

const log = (seq, message, more = {}) => ({ event: "log", seq, level: "info", message, source: "sluice", ...more });
const filled = (...events) => {
  const lines = new Lines();
  for (const event of events) lines.put(event);
  return lines;
};
const texts = (lines) => lines.shown.map((line) => (line.fold ? `fold of ${line.fold}` : line.text));

test("an event is taken once, whatever the order it comes in", () => {
  const lines = new Lines();
  assert.equal(lines.put(log(2, "second")), true);
  assert.equal(lines.put(log(1, "first")), true);
  assert.equal(lines.put(log(1, "first")), false);
  lines.rebuild();
  assert.deepEqual(texts(lines), ["first", "second"]);
});

test("lines that have not come yet are no fault", () => {
  const lines = filled(log(1, "first"), log(4, "fourth"));
  lines.rebuild();
  assert.deepEqual(texts(lines), ["first", "fourth"]);
});

test("lines of the framework are folded away, its errors are not", () => {
  const spark = { source: "spark" };
  const lines = filled(log(1, "ours"), log(2, "noise", spark), log(3, "noise", spark), log(4, "broken", { ...spark, level: "error" }));
  assert.deepEqual(texts(lines), ["ours", "fold of 2", "broken"]);
});

test("a search counts its hits, and text is no pattern", () => {
  const lines = filled(log(1, "a.b"), log(2, "axb"));
  assert.equal(lines.search("a.b"), "");
  assert.equal(lines.hits.length, 1);
  lines.search("/a.b/");
  assert.equal(lines.hits.length, 2);
  assert.equal(lines.search("/(/"), "not a regular expression");
});

test("numbers are read with their thousands, and one output is no plural", () => {
  assert.equal(lineOf({ event: "stage_rows", rows: 336776, direction: "rejected" }).text, "336,776 rows kept aside");
  assert.match(lineOf({ event: "publish_requested", outputs: [{}] }).text, /1 output ready/);
});

test("an event that is not known is shown, not lost", () => {
  assert.match(lineOf({ event: "something_new", seq: 1, facts: 3 }).text, /something_new/);
});
