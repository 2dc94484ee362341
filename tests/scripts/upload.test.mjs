// A file on its way: pieces, breaks, questions, cancelling. The server is a function here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { mayGoBetter, Refused, Sender, Speed, waitBefore } from "../../static/js/upload/sender.js";
import { Tabs } from "../../static/js/upload/tabs.js";
import { isToBeRead, size, time, wordsOf } from "../../static/js/upload/tray.js";

const file = (bytes) => ({
  name: "a.csv",
  size: bytes,
  lastModified: 1,
  slice: (from, to) => ({ arrayBuffer: async () => new ArrayBuffer(Math.min(to, bytes) - from) }),
});

/** A server that keeps how much has arrived; `faults` are thrown first, one for each request that they name. */
function server({ piece = 4, faults = [], exists = false } = {}) {
  const seen = [];
  let offset = 0;
  const call = async (method, url, options) => {
    const what = `${method} ${url.replace("/api/", "")}`;
    seen.push(what);
    const fault = faults[0]?.at === what ? faults.shift() : null;
    if (fault) {
      offset += fault.arrives ?? 0;
      throw new Refused(fault.status, fault.body);
    }
    if (method === "POST" && url.endsWith("uploads/")) {
      if (exists && options.json.if_there === "ask")
        throw new Refused(409, { code: "file-exists", choices: ["replace"], uri: "raw/a.csv" });
      return { id: "u", offset, piece_bytes: piece };
    }
    if (method === "PUT") {
      assert.equal(options.headers["Upload-Offset"], String(offset));
      offset += options.bytes.byteLength;
      return { offset };
    }
    if (method === "GET") return { offset };
    if (url.endsWith("finish")) return { uri: "raw/a.csv" };
    return null;
  };
  return { call, seen };
}

const sender = (call, more = {}) =>
  new Sender({ file: file(10), api: "/api/", call, wait: async () => {}, ask: async () => null, ...more });

test("a file goes in pieces and is finished", async () => {
  const { call, seen } = server();
  const one = sender(call);
  assert.equal(await one.run(), "raw/a.csv");
  assert.equal(one.state, "done");
  assert.deepEqual(seen, ["POST uploads/", "PUT uploads/u", "PUT uploads/u", "PUT uploads/u", "POST uploads/u/finish"]);
});

test("how far it is on its way to another machine is told", async () => {
  const { call } = server();
  const said = [];
  let finish;
  const slow = async (method, url, options) => {
    if (method === "GET") {
      if (said.at(-1)?.startsWith("on to")) finish();
      return { state: "sending", sent: 4 };
    }
    if (url.endsWith("finish")) await new Promise((resolve) => (finish = resolve));
    const answer = await call(method, url, options);
    return answer?.id ? { ...answer, uri: "archive:a.csv" } : answer;
  };
  assert.equal(await sender(slow, { changed: (one) => said.push(wordsOf(one)) }).run(), "raw/a.csv");
  assert.ok(said.includes("on to archive:a.csv: 4 B of 10 B"));
});

test("after a break it asks how far it is and goes on there", async () => {
  const { call, seen } = server({ faults: [{ at: "PUT uploads/u", status: 0, arrives: 2 }] });
  assert.equal(await sender(call).run(), "raw/a.csv");
  assert.deepEqual(seen.slice(0, 4), ["POST uploads/", "PUT uploads/u", "GET uploads/u", "PUT uploads/u"]);
});

test("a damaged piece is sent again, another offset is believed", async () => {
  const faults = [
    { at: "PUT uploads/u", status: 422, body: { code: "piece-damaged" } },
    { at: "PUT uploads/u", status: 409, body: { code: "other-offset", offset: 0 } },
  ];
  assert.equal(await sender(server({ faults }).call).run(), "raw/a.csv");
});

test("what cannot be helped ends with its words", async () => {
  const { call } = server({ faults: [{ at: "PUT uploads/u", status: 507, body: { detail: "The disk is full.", fix: "Ask for room." } }] });
  const one = sender(call);
  assert.equal(await one.run(), null);
  assert.equal(one.state, "failed");
  assert.equal(wordsOf(one), "The disk is full. Ask for room.");
});

test("it does not try for ever", async () => {
  const one = sender(async () => {
    throw new Refused(0, null);
  });
  assert.equal(await one.run(), null);
  assert.equal(one.state, "failed");
});

test("a name that is taken asks, and goes on with the answer", async () => {
  const asked = [];
  const { call } = server({ exists: true });
  const one = sender(call, {
    ask: async (about) => {
      asked.push(about.uri);
      return "replace";
    },
  });
  assert.equal(await one.run(), "raw/a.csv");
  assert.deepEqual(asked, ["raw/a.csv"]);
  const other = sender(call, { ask: async () => null });
  assert.equal(await other.run(), null);
  assert.equal(other.state, "cancelled");
});

test("cancelling tells the server to forget it", async () => {
  const { call, seen } = server();
  const one = sender(async (method, url, options) => {
    if (method === "PUT") await one.cancel();
    return call(method, url, options);
  });
  assert.equal(await one.run(), null);
  assert.equal(one.state, "cancelled");
  assert.ok(seen.includes("DELETE uploads/u"));
  assert.ok(!seen.includes("POST uploads/u/finish"));
});

test("speed and time left", () => {
  let now = 0;
  const speed = new Speed(() => now);
  speed.note(0);
  assert.equal(speed.perSecond, null);
  now = 2000;
  speed.note(10_000_000);
  assert.equal(speed.perSecond, 5_000_000);
  assert.equal(speed.left(12_500_000), 3);
  assert.deepEqual(
    [size(999), size(1_500_000), size(31_000_000), time(59), time(125), time(3700)],
    ["999 B", "1.5 MB", "31 MB", "59 s", "2 min 05 s", "1 h 01 min"],
  );
  assert.ok(waitBefore(20) <= 30_000);
});

test("a file that is refused for what it is is not offered to be sent again", () => {
  assert.equal(mayGoBetter(new Refused(415, {})), false);
  assert.equal(mayGoBetter(new Refused(413, {})), false);
  for (const status of [0, 403, 409, 422, 500]) assert.equal(mayGoBetter(new Refused(status, {})), true, String(status));
  assert.equal(mayGoBetter(undefined), true);
});

test("what another tab is sending is known here, what nobody sends is not", async () => {
  const channels = [];
  const channel = () => {
    const own = {
      postMessage(data) {
        for (const one of channels) if (one !== own) one.onmessage({ data });
      },
    };
    channels.push(own);
    return own;
  };
  let sent = ["u1"];
  new Tabs(() => sent, channel());
  const other = new Tabs(() => [], channel());
  assert.deepEqual([...(await other.elsewhere(1))], ["u1"]);
  sent = [];
  assert.deepEqual([...(await other.elsewhere(1))], []);
});

test("a file that got another name says so, and with a refusal it keeps the page until it was read", () => {
  const done = (name, uri, over = "") => ({ state: "done", file: { name, size: 1 }, uri, over });
  const renamed = done("Umsätze 2024 %.csv".normalize("NFD"), "raw/Umsätze_2024.csv");
  const same = done("Umsätze.csv".normalize("NFD"), "raw/Umsätze.csv");
  assert.equal(wordsOf(renamed), "arrived as raw/Umsätze_2024.csv: its name was changed");
  assert.equal(wordsOf(same), "arrived as raw/Umsätze.csv");
  assert.equal(wordsOf(done("may.csv", "raw/april.csv", "raw/april.csv")), "arrived as raw/april.csv");
  assert.equal(wordsOf(done("a.csv", "archive:a.csv")), "arrived as archive:a.csv");
  assert.ok(!isToBeRead([same, same], 0, true));
  assert.ok(isToBeRead([same, same], 1, true));
  assert.ok(isToBeRead([same, { state: "failed" }], 0, false));
  assert.ok(isToBeRead([same, renamed], 0, true));
  assert.ok(!isToBeRead([renamed], 0, false), "the look at it says so");
});
