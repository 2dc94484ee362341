import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf, merged, messageOf, partsChanged, sign } from "../../static/js/editor/changes.js";

const stage = (name, more = {}) => ({ type: "SQLTransform", name, ...more });
const bring = (base, theirs, mine) => merged(base, theirs, mine, changesOf(base, theirs, mine));

test("the order of keys is no difference, the order of a list is one", () => {
  assert.equal(sign({ a: 1, b: { c: 2, d: 3 } }), sign({ b: { d: 3, c: 2 }, a: 1 }));
  assert.notEqual(sign([1, 2]), sign([2, 1]));
  assert.equal(sign(undefined), "");
});

test("what only one person changed is taken, from both", () => {
  const base = { stages: [stage("a", { sql: "1" }), stage("b", { sql: "1" })] };
  const theirs = { stages: [stage("a", { sql: "theirs" }), stage("b", { sql: "1" })] };
  const mine = { stages: [stage("a", { sql: "1" }), stage("b", { sql: "mine" })] };
  assert.deepEqual(
    bring(base, theirs, mine).stages.map(({ sql }) => sql),
    ["theirs", "mine"],
  );
});

test("what both changed is asked, never decided", () => {
  const base = { stages: [stage("a", { sql: "1" })] };
  const [change] = changesOf(base, { stages: [stage("a", { sql: "2" })] }, { stages: [stage("a", { sql: "3" })] });
  assert.equal(change.pick, null);
});

test("the same change on both sides is no change to choose", () => {
  const base = { stages: [stage("a", { sql: "1" })] };
  const both = { stages: [stage("a", { sql: "2" })] };
  assert.deepEqual(changesOf(base, both, structuredClone(both)), []);
});

test("a stage that one person took out stays out; one that the other added stands behind its neighbour", () => {
  const base = { stages: [stage("a"), stage("b"), stage("c")] };
  const theirs = { stages: [stage("a"), stage("c")] };
  const mine = { stages: [stage("a"), stage("new"), stage("b"), stage("c")] };
  assert.deepEqual(
    bring(base, theirs, mine).stages.map(({ name }) => name),
    ["a", "new", "c"],
  );
});

test("parameters and the description come along", () => {
  const base = { stages: [], parameters: { year: { type: "integer" } } };
  const theirs = { ...base, description: "Of the year" };
  const mine = { stages: [], parameters: { year: { type: "integer" }, day: { type: "date" } } };
  assert.deepEqual(bring(base, theirs, mine), {
    description: "Of the year",
    parameters: { year: { type: "integer" }, day: { type: "date" } },
    stages: [],
  });
});

test("the message of a version is proposed from what it changes", () => {
  const base = { stages: [stage("read"), stage("sum", { sql: "1" })] };
  const mine = { stages: [stage("sum", { sql: "2" }), stage("save")] };
  const parts = partsChanged(base, mine);
  assert.deepEqual(
    parts.map(({ name, kind }) => `${name} ${kind}`),
    ["stage sum changed", "stage save added", "stage read taken"],
  );
  assert.equal(messageOf(parts), "Added stage save; took out stage read; changed stage sum");
  assert.equal(messageOf([]), "");
  const many = partsChanged({ stages: [] }, { stages: ["a", "b", "c", "d", "e"].map((name) => stage(name)) });
  assert.equal(messageOf(many), "Added stage a, stage b and 3 more");
});
