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

test("an event is told in the words that come with it, at their level", () => {
  const line = lineOf({ event: "stage_finished", seq: 1, words: "done after 0.5 s, 3 out", level: "warning" });
  assert.equal(line.text, "done after 0.5 s, 3 out");
  assert.equal(line.level, 2);
});

test("an event without words is shown, not lost", () => {
  assert.match(lineOf({ event: "something_new", seq: 1, facts: 3 }).text, /something_new/);
});
