// A new schedule is proposed in the reader's own time zone, where the list has it.
import assert from "node:assert/strict";
import { test } from "node:test";

const select = (zones) => ({ value: "UTC", options: zones.map((value) => ({ value })) });
const [known, unknown] = [select(["UTC", "Pacific/Auckland"]), select(["UTC"])];
globalThis.setInterval = () => 0;
globalThis.document = {
  addEventListener: () => {},
  querySelectorAll: (which) => (which === "select[data-own-zone]" ? [known, unknown] : []),
};
const { proposeZone } = await import("../../static/js/times.js");

test("the reader's zone is proposed where nobody has chosen one", () => {
  proposeZone("Pacific/Auckland");
  assert.equal(known.value, "Pacific/Auckland");
  assert.equal(unknown.value, "UTC");
  proposeZone("Mars/Olympus");
  assert.equal(known.value, "Pacific/Auckland");
});
