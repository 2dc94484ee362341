import assert from "node:assert/strict";
import { test } from "node:test";
import { absoluteIn, addressesThatFit, Folders, folderOf, rootsThatFit } from "../../static/js/editor/folders.js";

const ROOTS = [
  { name: "lake", where: "the folder of dev", may_write: true, is_default: true },
  { name: "archive", where: "s3a://acme/prod/ on s3", may_write: false, is_default: false },
];

test("the folder of an address that is being typed", () => {
  const found = ["archive:", "archive:20", "archive:2013/", "archive:2013/fl", "archive:a/b/c"].map((typed) => folderOf(typed, ROOTS));
  assert.deepEqual(found, ["archive:", "archive:", "archive:2013", "archive:2013", "archive:a/b"]);
  for (const typed of ["", "archive", "raw/x", "lake:raw", "other:x", "s3a://acme/x"]) assert.equal(folderOf(typed, ROOTS), null);
});

test("an absolute address is completed by what lies in its root, as it is being typed", () => {
  const roots = [
    { name: "lake", address: "s3a://acme/dev/", is_default: true },
    { name: "archive", address: "s3a://acme/prod", is_default: false },
    { name: "old", address: "s3a://acme/prod/old/", is_default: false },
    { name: "here", address: "", is_default: false },
  ];
  const of = (typed) => absoluteIn(typed, roots)?.folder ?? null;
  assert.deepEqual(["s3a://acme/dev/", "s3a://acme/dev/raw/fl", "s3a://acme/prod/20"].map(of), ["lake:", "lake:raw", "archive:"]);
  assert.equal(of("s3a://acme/prod/old/x/y"), "old:x");
  for (const typed of ["s3a://acme/", "s3a://acme/production/x", "archive:2013", ""]) assert.equal(of(typed), null, typed);
  assert.equal(absoluteIn("s3a://acme/prod/20", roots).absolute("archive:2013/"), "s3a://acme/prod/2013/");
  assert.equal(absoluteIn("s3a://acme/dev/raw/", roots).absolute("raw/flights.csv"), "s3a://acme/dev/raw/flights.csv");
  assert.deepEqual(
    addressesThatFit("s3a://", roots).map(({ name }) => name),
    ["s3a://acme/dev/", "s3a://acme/prod/", "s3a://acme/prod/old/"],
  );
  assert.deepEqual(addressesThatFit("arch", roots), []);
});

test("roots are beginnings of addresses, with where they lie", () => {
  assert.deepEqual(rootsThatFit(ROOTS), [{ name: "archive:", words: "s3a://acme/prod/ on s3, read only" }]);
});

test("a folder is asked for once, and again where it could not be listed", async () => {
  const asked = [];
  let works = false;
  const folders = new Folders("/folder", async (url) => {
    asked.push(url);
    if (!works) throw new Error("not now");
    return {
      entries: [
        { uri: "archive:2013", is_folder: true },
        { uri: "archive:x.csv", is_folder: false },
      ],
      more: false,
    };
  });
  let came = 0;
  const again = () => came++;
  assert.deepEqual(folders.suggestions("archive:", again), []);
  await assert.rejects(folders.of("archive:"));
  works = true;
  assert.deepEqual(folders.suggestions("archive:", again), []);
  await folders.of("archive:");
  assert.equal(came, 1);
  assert.deepEqual(folders.suggestions("archive:", again), [{ name: "archive:2013/" }, { name: "archive:x.csv" }]);
  const onlyFolders = folders.suggestions("archive:", again, ({ is_folder }) => is_folder);
  assert.deepEqual(onlyFolders, [{ name: "archive:2013/" }]);
  assert.deepEqual(asked, ["/folder?uri=archive%3A", "/folder?uri=archive%3A"]);
  folders.forget();
  assert.deepEqual(folders.suggestions("archive:", again), []);
  assert.equal(asked.length, 3);
});
