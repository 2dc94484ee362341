import assert from "node:assert/strict";
import test from "node:test";
import { told } from "../../static/js/remarks.js";

const finished = (stage_index, ...warnings) => ({ event: "stage_finished", stage: "read", stage_index, details: { warnings } });
const rejected = { message: "2 rows of another width: without values.", found: "8 values in row 4", fix: "Look at these rows." };

test("what a stage found to look at is told with what was found and how to mend it", () => {
  const words = "2 rows of another width: without values. Found: 8 values in row 4. Look at these rows.";
  assert.deepEqual(told([finished(0, rejected), { event: "rows", rows: [] }]), [words]);
});

test("what was counted stands for what the same stage said", () => {
  const counted = { event: "value_warnings", stage_index: 0, words: "2 of 5 rows have values to look at." };
  assert.deepEqual(told([finished(0, rejected), finished(1, { message: "Twice there." }), counted]), [counted.words, "Twice there."]);
});

test("where nothing is to be looked at nothing is said", () => {
  assert.deepEqual(told([finished(0), { event: "stage_finished", stage_index: 1 }, { event: "rows", rows: [[1]] }]), []);
});
