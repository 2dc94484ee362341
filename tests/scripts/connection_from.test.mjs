import assert from "node:assert/strict";
import { test } from "node:test";
import { alike, commonFolder, freeName, secretAt, secretsOf, withConnection } from "../../static/js/editor/connection_from.js";

const doc = {
  stages: [
    { type: "JDBCExtract", name: "a", jdbcURL: "jdbc:postgresql://u:p%40ss+w@h/d", params: { user: "u", fetchsize: "9" }, outputView: "v" },
    { type: "JDBCLoad", name: "b", jdbcURL: "jdbc:mysql://h/d", params: { password: "é𝒳secret" } },
  ],
};
const url = { path: ["stages", 0, "jdbcURL"], start: 20, end: 28 };

test("a secret is taken from where it stands, counted in signs, decoded where it is written as in an address", () => {
  assert.equal(secretAt(doc, url), "p%40ss+w");
  assert.equal(secretAt(doc, { ...url, decodes: true }), "p@ss w");
  assert.equal(secretAt(doc, { path: ["stages", 1, "params", "password"], start: 0, end: 8 }), "é𝒳secret");
  assert.equal(secretAt(doc, { path: ["stages", 7, "x"], start: 0, end: 1 }), "");
  assert.deepEqual(secretsOf(doc, { secrets: { password: url } }), { password: "p%40ss+w" });
});

test("the stage names the connection and holds nothing of it", () => {
  const takes_out = ["jdbcURL", "params.user", "params.password"];
  assert.deepEqual(withConnection(doc.stages[0], { takes_out, root: "" }, "shop"), {
    type: "JDBCExtract",
    name: "a",
    connection: "shop",
    params: { fetchsize: "9" },
    outputView: "v",
  });
  assert.deepEqual(withConnection(doc.stages[1], { takes_out, root: "" }, "shop"), { type: "JDBCLoad", name: "b", connection: "shop" });
  assert.ok(!JSON.stringify(doc.stages.map((stage) => withConnection(stage, { takes_out, root: "" }, "x"))).includes("secret"));
});

test("where a root is meant the stage keeps its address alone", () => {
  const stage = { type: "ParquetExtract", inputURI: "s3a://b/x", authentication: { secretAccessKey: "x" } };
  assert.deepEqual(withConnection(stage, { takes_out: ["authentication"], root: "s3a://b/" }, "b"), {
    type: "ParquetExtract",
    inputURI: "s3a://b/x",
  });
});

test("stages with the same place and the same secret share one connection", () => {
  const one = { kind: "mariadb", settings: { host: "h" }, secrets: { password: url }, root: "", stage_index: 0 };
  const other = { ...one, stage_index: 1, secrets: { password: { path: ["stages", 1, "params", "password"], start: 0, end: 8 } } };
  assert.deepEqual(
    alike(doc, one, [one, other, { ...one, stage_index: 5 }]).map((found) => found.stage_index),
    [0, 5],
  );
});

test("one root holds what all of them read, and a name is free", () => {
  assert.equal(commonFolder(["s3a://b/raw/2013/", "s3a://b/raw/planes/"]), "s3a://b/raw/");
  assert.equal(commonFolder(["s3a://b/raw/"]), "s3a://b/raw/");
  assert.equal(commonFolder(["s3a://b/raw/", "s3a://b/raw/x/"]), "s3a://b/raw/");
  assert.equal(commonFolder(["s3a://b/a/", "s3a://b/ab/"]), "s3a://b/");
  assert.equal(freeName("shop", ["shop", "shop_2"]), "shop_3");
});
