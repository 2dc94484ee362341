// The chip over a job and the tab below it speak of the same list.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { addEventListener: () => {}, querySelector: () => null, querySelectorAll: () => [] };
const { counted, isBegun } = await import("../../static/js/editor/problems.js");

const fault = { message: "a", code: "x" };
const warning = { message: "b", code: "y", severity: "warning" };

test("problems and warnings are both counted, and together make the list", () => {
  assert.equal(counted([]), "no problems");
  assert.equal(counted([fault]), "1 problem");
  assert.equal(counted([warning, warning]), "2 warnings");
  assert.equal(counted([fault, warning, fault]), "2 problems, 1 warning");
});

test("a job without stages is not begun, which is no problem to be counted", () => {
  assert.equal(isBegun([{ code: "no-stages" }]), false);
  assert.equal(isBegun([]), true);
  assert.equal(isBegun([{ code: "no-stages" }, fault]), true);
});
