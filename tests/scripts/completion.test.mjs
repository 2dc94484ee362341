import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsInOrder, expectsView } from "../../static/js/editor/completion.js";

test("behind FROM, JOIN and the commas of such a list a view is meant", () => {
  for (const before of ["select * from ", "SELECT * FROM fl", "… from a left join ", "from a x, b as y, ", "select 1 from `fl"])
    assert.ok(expectsView(before), before);
});

test("elsewhere it is not: not in the select list, behind WHERE, nor in extract(… FROM …)", () => {
  for (const before of [
    "select fl",
    "select a, fl",
    "select * from a where ",
    "select extract(year from d",
    "select trim(both 'x' from n",
    "from a f",
  ])
    assert.ok(!expectsView(before), before);
});

test("columns keep the order of their table", () => {
  const names = Array.from({ length: 12 }, (_, place) => ({ name: `c${12 - place}`, type: "int" }));
  const sorted = columnsInOrder(names).toSorted((one, other) => one.sortText.localeCompare(other.sortText));
  assert.deepEqual(
    sorted.map(({ label }) => label),
    names.map(({ name }) => name),
  );
});
