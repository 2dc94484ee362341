// What was typed into a form that was refused comes back into that form, and into no other.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { addEventListener: () => {}, querySelector: () => null, querySelectorAll: () => [], referrer: "" };
globalThis.location = { pathname: "/p/flights/jobs/daily/", href: "http://127.0.0.1/p/flights/jobs/daily/" };
globalThis.sessionStorage = { getItem: () => null, removeItem: () => {} };
const { belongs, bringBack, typedIn } = await import("../../static/js/typed.js");

const text = (name, value, type = "text") => ({ name, value, type, disabled: false });
const box = (name, value, checked) => ({ name, value, checked, type: "checkbox", disabled: false });
const list = (name, value, ...values) => ({
  ...text(name, value, "select-one"),
  options: values.map((one) => ({ value: one, text: `the ${one}` })),
  selectedIndex: values.indexOf(value),
});

test("nothing hidden, and nothing of a form with a password, is kept", () => {
  assert.deepEqual(typedIn([text("csrf", "x", "hidden"), text("note", "why")]), [{ name: "note", value: "why", chosen: null }]);
  assert.deepEqual(typedIn([text("name", "lake_key"), text("value", "s3cret", "password")]), []);
});

test("what was typed stands in the form again, and what is there now is told", () => {
  const typed = typedIn([
    text("description", "mine"),
    list("owner", "ana", "ana", "olu"),
    box("channel", "7", true),
    box("channel", "8", false),
  ]);
  const page = [text("description", "theirs"), list("owner", "olu", "ana", "olu"), box("channel", "7", false), box("channel", "8", false)];
  const changed = bringBack(page, typed);
  assert.deepEqual(
    changed.map(([field, now]) => [field.name, now]),
    [
      ["description", "theirs"],
      ["owner", "the olu"],
      ["channel", "not chosen"],
    ],
  );
  assert.deepEqual([page[0].value, page[1].value, page[2].checked, page[3].checked], ["mine", "ana", true, false]);
});

test("rows of one name keep their order, and what can be chosen no more is left as it is", () => {
  const page = [text("name", ""), text("name", ""), list("owner", "olu", "olu")];
  assert.equal(bringBack(page, typedIn([text("name", "a"), text("name", "b"), list("owner", "ana", "ana")])).length, 2);
  assert.deepEqual([page[0].value, page[1].value, page[2].value], ["a", "b", "olu"]);
});

test("it belongs into the page that says no, of the same person, and into none that says yes", () => {
  const [here, details] = ["/p/flights/jobs/daily/", "/p/flights/jobs/daily/details"];
  const kept = { page: here, action: details, person: "3" };
  const page = (more) => ({ path: here, from: here, refused: false, person: "3", ...more });
  assert.equal(belongs(kept, page({ refused: true })), true);
  assert.equal(belongs(kept, page({ from: details })), true, "back from the page of an error");
  assert.equal(belongs(kept, page({ from: "/sign-in" })), true, "the session had ended");
  assert.equal(belongs(kept, page({})), false, "it was taken");
  assert.equal(belongs(kept, page({ refused: true, path: "/p/flights/jobs/other/" })), false);
  assert.equal(belongs(kept, page({ from: "/sign-in", person: "4" })), false, "somebody else signed in");
  assert.equal(belongs({ ...kept, action: here }, page({})), false, "a page that asks itself shows the form by itself");
  assert.equal(belongs(null, page({ refused: true })), false);
});
