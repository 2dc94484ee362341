import assert from "node:assert/strict";
import { test } from "node:test";
import { changeOf, replacementOf } from "../../static/js/editor/fixes.js";

const problem = (start, end, text, found) => ({ found, edit: { start, end, text, says: "Write it Spark's way" } });
const applied = (text, change) => text.slice(0, change.from) + change.insert + text.slice(change.to);

test("a change is made at its place", () => {
  const text = "SELECT 1 WHERE a = NULL";
  assert.equal(applied(text, changeOf(problem(17, 23, "IS NULL", "= NULL"), text)), "SELECT 1 WHERE a IS NULL");
});

test("places count characters, not units of UTF-16", () => {
  const text = "SELECT '🛩' WHERE a = NULL";
  assert.equal(applied(text, changeOf(problem(19, 25, "IS NULL", "= NULL"), text)), "SELECT '🛩' WHERE a IS NULL");
});

test("a long or broken piece is known again by its beginning", () => {
  const text = "TOP 3 a\n  FROM t";
  assert.equal(applied(text, changeOf(problem(0, 16, "a FROM t LIMIT 3", "TOP 3 a FR…"), text)), "a FROM t LIMIT 3");
});

test("a text that has changed since is left alone", () => {
  assert.equal(changeOf(problem(17, 23, "IS NULL", "= NULL"), "SELECT 2 FROM somewhere WHERE a = NULL"), null);
  assert.equal(changeOf(problem(17, 23, "IS NULL", "= NULL"), "SELECT"), null);
  assert.equal(changeOf({ message: "no change" }, "SELECT"), null);
});

test("a column that needs back-ticks is put in with them, whatever stands in its name", () => {
  const meant = (found, name) =>
    replacementOf({ code: "column-unknown", found, fix: `Did you mean “${name}”? The back-ticks belong to it.` });
  assert.deepEqual(meant("v.percnt", "v.`per.cent`"), { found: "percnt", by: "`per.cent`" });
  assert.deepEqual(meant("percnt", "`per-cent`"), { found: "percnt", by: "`per-cent`" });
});

test("where the problem brings its change along, there is one button and not two", () => {
  const unknown = { code: "column-unknown", found: "i.nubmer", fix: "Did you mean “i.number”?" };
  assert.deepEqual(replacementOf(unknown), { found: "nubmer", by: "number" });
  assert.equal(replacementOf({ ...unknown, edit: { start: 0, end: 8, text: "i.number", says: "Write i.number" } }), null);
});
