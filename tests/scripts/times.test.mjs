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
const { clockOf, proposeZone } = await import("../../static/js/times.js");

test("the reader's zone is proposed where nobody has chosen one", () => {
  proposeZone("Pacific/Auckland");
  assert.equal(known.value, "Pacific/Auckland");
  assert.equal(unknown.value, "UTC");
  proposeZone("Mars/Olympus");
  assert.equal(known.value, "Pacific/Auckland");
});

test("clocks are of 24 hours whatever the reader's country is used to", () => {
  assert.equal(clockOf(new Date(2024, 0, 1, 16, 1)), "16:01");
  assert.equal(clockOf(new Date(2024, 0, 1, 0, 5)), "00:05");
});
