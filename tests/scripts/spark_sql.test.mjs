import assert from "node:assert/strict";
import test from "node:test";

import { SparkSQL } from "../../static/vendor/codemirror.js";

/** What the editor takes a word of a query for; `word` with the blank before it. */
function kindOf(query, word) {
  return SparkSQL.language.parser.parse(query).resolveInner(query.indexOf(word) + 1, 1).name;
}

test("words that Spark lists are names where queries have them as aliases, so that their columns are offered behind the point", () => {
  for (const alias of ["x", "source", "target", "items", "data"]) {
    assert.equal(kindOf(`SELECT 1 FROM flights ${alias} WHERE 1`, ` ${alias} `), "Identifier", alias);
  }
});

test("the syntax of queries stays syntax", () => {
  for (const word of "from join on where group by order limit rows over partition lateral view cube rollup values".split(" ")) {
    assert.equal(kindOf(`SELECT 1 ${word} 1`, ` ${word} `), "Keyword", word);
  }
});
