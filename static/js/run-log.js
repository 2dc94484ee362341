// The log of one run: opens at its tail (or at the failure), fetches what came before, follows what comes, searches, filters, links to lines.
import { Lines } from "./run-log-lines.js";
import { View } from "./run-log-view.js";
import { show } from "./toasts.js";

const TAIL = 2000;
const STEP = 20000;
const COPIED = 10000;
const root = document.getElementById("run-log");
const find = (name) => root.querySelector(`[data-${name}]`);
const lines = new Lines();
const view = new View(find("lines-here"), lines, (fold) => {
  const seen = view.firstSeen;
  lines.open(fold);
  update();
  keepPlace(seen);
});
const follow = find("follow");
const pill = find("pill");
const known = Number(root.dataset.count);
let opened = false;
let unseen = 0;
let hit = -1;
let due = false;
let state = root.dataset.state;

// --- lines come -------------------------------------------------------------------------------------------------------
function openStream() {
  const after = Math.max(known - TAIL, 0);
  const source = new EventSource(`${root.dataset.events}?words=1&after=${after}`);
  const take = (message) => {
    if (lines.put(JSON.parse(message.data))) {
      unseen += 1;
      later(message.data);
    }
  };
  source.addEventListener("line", take);
  source.addEventListener("gap", take);
  source.addEventListener("state", (message) => stateIs(JSON.parse(message.data).state));
  source.addEventListener("end", (message) => {
    source.close();
    ended(JSON.parse(message.data));
  });
  source.addEventListener("open", () => {
    if (state !== "over") say("", true);
  });
  source.onerror = () =>
    say(
      source.readyState === EventSource.CLOSED
        ? "The log cannot be read any more: you may no longer be signed in. Reload the page."
        : "The connection was lost; trying again …",
      true,
    );
  if (after > 0) fetchEarlier(after);
}

/** The log of a run that has ended comes as a file, which the browser keeps: nothing is sent a second time. */
async function readFinished() {
  const sha256 = known > 0 ? await fetchEarlier(known, TAIL) : "";
  if (sha256 !== undefined) ended({ lines: known, bytes: Number(root.dataset.bytes), sha256 });
}

/** From line `last` back to the first, the end first. Resolves to the sum of the log where the server tells it, undefined when lines are missing. */
async function fetchEarlier(last, firstStep = STEP) {
  let sha256 = "";
  for (let to = last, step = firstStep; to > 0; to -= step, step = STEP) {
    const answer = await fetch(`${root.dataset.lines}?words=1&from=${Math.max(to - step + 1, 1)}&to=${to}`, { credentials: "same-origin" });
    const all = answer.ok ? await answer.text().catch(() => undefined) : undefined; // it may break off
    if (all === undefined) {
      show({ text: "The earlier lines could not be fetched. Reload the page to try again.", tone: "bad" });
      return undefined;
    }
    sha256 = answer.headers.get("X-Log-Sha256") ?? sha256;
    for (const text of all.split("\n")) if (text) lines.put(JSON.parse(text));
    const seen = view.firstSeen;
    const wasOpen = opened;
    lines.rebuild();
    update();
    if (wasOpen && !follow.checked) keepPlace(seen);
  }
  return sha256;
}

/** Draws at most once a frame, however many lines come. */
function later(text) {
  if (/"event":"(stage_(entered|finished|failed)|publishing|publish_requested)"/.test(text))
    document.body.dispatchEvent(new Event("stages-changed"));
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    update();
  });
}

function update() {
  view.refresh();
  fillStages();
  countHits();
  if (!opened) openAtStart();
  if (follow.checked) {
    view.toEnd();
    unseen = 0;
  }
  showPill();
  summary();
}

// --- where it opens ---------------------------------------------------------------------------------------------------
function openAtStart() {
  const wanted = wantedLine() || Number(root.dataset.failure ?? 0);
  if (wanted) {
    if (!lines.all[wanted - 1]) return;
    goTo(wanted);
  } else if (lines.all.length >= known) view.toEnd();
  opened = lines.all.length >= known;
  if (opened) unseen = 0;
}

const wantedLine = () => Number(/^#L(\d+)$/.exec(location.hash)?.[1] ?? 0);

function goTo(seq) {
  follow.checked = false;
  view.marked = seq;
  const place = lines.placeOf(seq);
  if (place < 0) return;
  if (lines.shown[place].fold) {
    lines.open(lines.shown[place]);
    view.refresh();
  }
  view.toPlace(lines.placeOf(seq));
}

function keepPlace(seq) {
  const place = lines.placeOf(seq);
  if (place >= 0 && view.firstSeen !== seq) view.toTop(place);
}

addEventListener("hashchange", () => {
  const wanted = wantedLine();
  if (!wanted) return;
  goTo(wanted);
  root.scrollIntoView({ block: "nearest" });
});

// --- following --------------------------------------------------------------------------------------------------------
let before = 0;
view.frame.addEventListener(
  "scroll",
  () => {
    if (view.frame.scrollTop < before - 2 && !view.isAtEnd) follow.checked = false;
    if (view.isAtEnd) {
      unseen = 0;
      if (state !== "over") follow.checked = true;
    }
    before = view.frame.scrollTop;
    showPill();
  },
  { passive: true },
);
follow.addEventListener("change", () => {
  if (follow.checked) {
    view.toEnd();
    unseen = 0;
    showPill();
  }
});
pill.addEventListener("click", () => {
  follow.checked = true;
  unseen = 0;
  view.toEnd();
  showPill();
});

function showPill() {
  pill.hidden = !opened || follow.checked || unseen === 0 || view.isAtEnd;
  pill.textContent = `▼ ${unseen.toLocaleString("en")} new line${unseen === 1 ? "" : "s"}`;
}

// --- filters and search -----------------------------------------------------------------------------------------------
function filtered() {
  const seen = view.firstSeen;
  lines.filter = { level: Number(find("level").value), stage: find("stage").value, framework: find("framework").checked };
  lines.rebuild();
  hit = -1;
  update();
  if (!follow.checked) keepPlace(seen);
}
for (const name of ["level", "stage", "framework"]) find(name).addEventListener("change", filtered);
find("wrap").addEventListener("change", (event) => {
  const seen = view.firstSeen;
  view.wrapped = event.target.checked;
  view.refresh();
  if (follow.checked) view.toEnd();
  else keepPlace(seen);
});

function fillStages() {
  const select = find("stage");
  for (const name of [...lines.stages].slice(select.options.length - 1)) select.add(new Option(name, name));
}

const box = find("search");
let typing = 0;
box.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, 150);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    step(event.shiftKey ? -1 : 1);
  }
});
find("next").addEventListener("click", () => step(1));
find("previous").addEventListener("click", () => step(-1));

function search() {
  const wrong = lines.search(box.value.trim());
  hit = -1;
  view.refresh();
  find("hits").hidden = !box.value.trim();
  if (wrong) find("hit-count").textContent = wrong;
  else {
    countHits();
    if (lines.hits.length) step(1);
  }
}

function countHits() {
  if (!box.value.trim()) return;
  find("hit-count").textContent = lines.hits.length
    ? `${hit < 0 ? "" : `${(hit + 1).toLocaleString("en")} of `}${lines.hits.length.toLocaleString("en")}`
    : "no hit";
}

function step(by) {
  if (!lines.hits.length) return;
  hit = (hit + by + lines.hits.length) % lines.hits.length;
  follow.checked = false;
  const place = lines.hits[hit];
  view.marked = lines.shown[place].seq;
  view.toPlace(place);
  countHits();
}

find("copy-lines").addEventListener("click", async () => {
  const chosen = lines.shown.filter((item) => !item.fold).slice(-COPIED);
  await navigator.clipboard.writeText(chosen.map((line) => `${line.seq} ${line.at} ${line.stage} ${line.text}`).join("\n"));
  show({ text: `${chosen.length.toLocaleString("en")} lines copied.`, tone: "ok" });
});

// --- state and end ----------------------------------------------------------------------------------------------------
function stateIs(now) {
  if (now === root.dataset.state) return;
  root.dataset.state = now;
  document.body.dispatchEvent(new Event("run-changed"));
}

let end = null;
let said = "";
function ended(facts) {
  state = "over";
  end = facts;
  said = "";
  follow.checked = false;
  update();
  if (root.dataset.final === "false") document.body.dispatchEvent(new Event("run-changed"));
}

function say(text, keep = false) {
  said = text;
  if (keep) summary();
}

function summary() {
  const parts = [`${(end?.lines ?? lines.all.length).toLocaleString("en")} line${lines.all.length === 1 ? "" : "s"}`];
  if (end) parts[0] += `, ${size(end.bytes)}`;
  if (lines.folded) parts.push(`${lines.folded.toLocaleString("en")} framework line${lines.folded === 1 ? "" : "s"} folded`);
  if (end?.sha256) parts.push(`sha256 ${end.sha256.slice(0, 12)}…`);
  if (end) parts.push("end of the log");
  if (said) parts.unshift(said);
  find("end").textContent = parts.join(" · ");
}

const size = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

// --- the page around it -----------------------------------------------------------------------------------------------
document.addEventListener("click", async (event) => {
  if (!event.target.closest("[data-copy-address]")) return;
  await navigator.clipboard.writeText(location.href);
  show({ text: "Link copied.", tone: "ok" });
});
for (const code of document.querySelectorAll("[data-json]")) {
  try {
    code.textContent = JSON.stringify(JSON.parse(code.textContent), null, 2);
  } catch {
    /* shown as it is */
  }
}

if (root.dataset.final === "true") readFinished();
else openStream();
