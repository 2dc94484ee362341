import assert from "node:assert/strict";
import test from "node:test";
import { Tables } from "../../static/js/editor/tables.js";

test("the tables of a connection are asked for once in a while", async () => {
  let now = 0;
  const asked = [];
  const ask = async (url, { document }, _signal, told) => {
    asked.push([url, document.stages[0].connection, document.parameters]);
    await null;
    if (asked.length === 2) throw new Error("no answer");
    told({ event: "tables", tables: ["orders", 'sales."big ones"'] });
  };
  const drawn = [];
  const tables = new Tables(
    "/tables",
    ask,
    () => ({ db: {} }),
    () => now,
  );
  assert.deepEqual(
    tables.suggestions("shop", () => drawn.push(1)),
    [],
  );
  assert.deepEqual(
    tables.suggestions("shop", () => drawn.push(1)),
    [],
  );
  await new Promise((done) => setTimeout(done));
  assert.deepEqual([asked, drawn], [[["/tables", "shop", { db: {} }]], [1]]);
  now = 31_000; // the second time nobody answers: what is known stays
  for (let letter = 0; letter < 3; letter += 1) assert.equal(tables.suggestions("shop", () => drawn.push(2)).length, 2);
  await new Promise((done) => setTimeout(done));
  assert.deepEqual([asked.length, drawn], [2, [1]]);
  assert.deepEqual(
    tables.suggestions(undefined, () => {}),
    [],
  );
  assert.equal(asked.length, 2);
});
