// Uploads of a page: from a file that was dropped or chosen to its place in the lake.

import { takeFiles } from "./drop.js";
import { call, digest, wait } from "./http.js";
import { Sender } from "./sender.js";
import { Tabs } from "./tabs.js";
import { size, Tray } from "./tray.js";

const AT_ONCE = 2;

/** config: environment, api, limit, accept, said (see portal.data.views.upload_config). `arrived(uris)` is called when a batch is through; it
 * may give the address to go on to: at once, or, while the list has something that is to be read, when the person wants to. */
export function startUploads(config, arrived) {
  const waiting = [];
  const working = new Set();
  let batch = [];
  const tray = new Tray({ again: (sender) => add(sender.file, sender.over) });
  const { folder } = config;

  function add(file, over) {
    const why = refusalOf(file, config.limit);
    if (why) return tray.refuse(file.name, why);
    const changed = (sender) => tray.update(sender);
    const sender = new Sender({ file, folder, over, api: config.api, call, digest, wait, changed, ask: oneQuestion });
    tray.add(sender);
    waiting.push(sender);
    next();
  }

  async function next() {
    if (working.size >= AT_ONCE || !waiting.length) return;
    const sender = waiting.shift();
    working.add(sender);
    const uri = sender.stop.signal.aborted ? null : await sender.run();
    working.delete(sender);
    if (uri) batch.push(uri);
    if (!waiting.length && !working.size && batch.length) {
      const uris = batch;
      batch = [];
      goOnTo(await arrived(uris), uris);
    }
    next();
  }

  function goOnTo(address, uris) {
    if (!address) return;
    const isItsOwnPage = uris.length === 1 && address.endsWith(encodeURIComponent(uris[0])); // which says what the file was called
    if (tray.isToBeRead(!isItsOwnPage)) tray.lead(address, uris.length);
    else location.assign(address);
  }

  const take = (files, over) => {
    for (const file of files) add(file, over ?? "");
  };
  const where = folder ? `${folder} in ${config.environment}` : config.environment;
  takeFiles({ ...config, where, limitWords: `at most ${size(config.limit)} each`, take });
  addEventListener("beforeunload", (event) => {
    if (working.size || waiting.length) event.preventDefault();
  });
  const sending = () => [...working].map((sender) => sender.upload?.id).filter(Boolean);
  goOnWith(config, tray, new Tabs(sending));
  return { take };
}

export function refusalOf(file, limit) {
  if (file.size === 0) return "The file is empty, or a folder: there is nothing to upload.";
  if (file.size > limit)
    return `It has ${size(file.size)}; the largest file that is taken has ${size(limit)}. Pack it with gzip, or split it.`;
  return null;
}

let questions = Promise.resolve();
/** One question at a time. */
const oneQuestion = (about) => {
  questions = questions.catch(() => null).then(async () => (await import("./question.js")).askWhatToDo(about)); // hardly ever asked
  return questions;
};

/** What was under way before the page was loaded again: the browser cannot read the file by itself, so it is asked for. */
async function goOnWith(config, tray, tabs) {
  const open = await call("GET", `${config.api}uploads/`).catch(() => []);
  const elsewhere = open?.length ? await tabs.elsewhere() : new Set();
  for (const one of open ?? []) {
    if (one.size && !elsewhere.has(one.id))
      tray.wait(
        one.id,
        one.name,
        `${Math.floor((100 * one.offset) / one.size)} % had arrived. Choose the file again, and sending goes on there.`,
        () => call("DELETE", `${config.api}uploads/${one.id}`).catch(() => {}),
      );
  }
}
