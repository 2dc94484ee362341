import assert from "node:assert/strict";
import test from "node:test";
import { told } from "../../static/js/remarks.js";

const finished = (stage_index, ...warnings) => ({ event: "stage_finished", stage: "read", stage_index, details: { warnings } });
const rejected = {
  code: "rows-rejected",
  message: "2 rows of another width: without values.",
  found: "8 values in row 4",
  fix: "Look at these rows.",
};

test("what a stage found to look at is told with what was found and how to mend it", () => {
  const words = "2 rows of another width: without values. Found: 8 values in row 4. Look at these rows.";
  assert.deepEqual(told([finished(0, rejected), { event: "rows", rows: [] }]), [words]);
});

const counts = (...kinds) => kinds.map((kind) => ({ column: null, kind, rows: 2 }));
const counted = {
  event: "value_warnings",
  stage_index: 0,
  words: "2 of 5 rows have values to look at.",
  counts: counts("not-date", "another-width"),
};

test("what was counted stands for what the same stage said of it", () => {
  assert.deepEqual(told([finished(0, rejected), finished(1, { message: "Twice there." }), counted]), [counted.words, "Twice there."]);
});

test("what a stage said of something else is told beside what it counted", () => {
  const double = { code: "compared-as-double", message: "“d” is compared with a text as a double." };
  assert.deepEqual(told([finished(0, rejected, double), counted]), [counted.words, double.message]);
  const others = { ...counted, counts: counts("numbers-by-letters") };
  const gone = { code: "input-files-gone", message: "A file is gone." };
  assert.equal(told([finished(0, gone, double, rejected), others]).length, 4);
  assert.equal(told([finished(0, rejected), { ...counted, stage_index: 1 }]).length, 2, "another stage counted it");
});

test("where nothing is to be looked at nothing is said", () => {
  assert.deepEqual(told([finished(0), { event: "stage_finished", stage_index: 1 }, { event: "rows", rows: [[1]] }]), []);
});
