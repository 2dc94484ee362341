// Files dropped on the editor: they become sources, and stages of this job where that is wanted.

import { dialog, el, icon } from "../dom.js";
import { csrfToken } from "../server.js";
import { show } from "../toasts.js";
import { startUploads } from "../upload/main.js";

/** `sources`: the editor's list of what can be read; `job`: the name of what is edited. */
export function takeUploads(sources, job) {
  const config = JSON.parse(document.getElementById("uploads-config")?.textContent ?? "null");
  if (!config) return;
  sources.howItIsRead = (source) => howItIsRead(source, config, job);
  startUploads(config, async (uris) => {
    await sources.reload();
    if (uris.length > 1) show({ text: `${uris.length} files have arrived; they are among the sources on the left.`, tone: "ok" });
    else await offer(uris[0], sources, config, job);
  });
}

async function offer(uri, sources, config, job) {
  const source = sources.list.find((one) => one.uri === uri && one.stage_type);
  const body = () => [
    el("p", {}, el("b", { class: "mono" }, uri), " has arrived."),
    el("p", { class: "mut" }, "A look at it proposes how it is read, and a type for each column."),
  ];
  const footer = (close) =>
    [
      el("button", { type: "button", class: "btn", onclick: () => close(null) }, "Later"),
      source
        ? el("button", { type: "button", class: "btn", onclick: () => close("add") }, icon("plus"), " Add to this job as it is")
        : null,
      el("button", { type: "button", class: "btn primary", onclick: () => close("look") }, icon("eye"), " Look at it first"),
    ].filter(Boolean);
  const answer = await dialog({ title: "What now?", body, footer: (close) => el("span", { class: "flow tight" }, footer(close)) });
  if (answer === "add") sources.add(source, await howItIsRead(source, config, job));
  if (answer === "look") location.assign(`${config.look}?${new URLSearchParams({ uri, job })}`);
}

/** How a look at the file would read it, with the names that the next file must have; nothing where it finds no table. Rows of another
 * width are left to the person: they stop the run, and are not set aside unseen. */
async function howItIsRead(source, config, job) {
  if (source.stage_type !== "DelimitedExtract") return {};
  show({ text: `Looking how ${source.uri} is written …` });
  const body = new URLSearchParams({ uri: source.uri, job, part: "read" });
  const headers = { "X-CSRFToken": csrfToken(), Accept: "application/json" };
  try {
    const answer = await fetch(config.stages, { method: "POST", body, credentials: "same-origin", headers });
    const { type, name, inputURI, outputView, otherWidths, ...how } = (await answer.json()).stages[0];
    return how.names && !how.header ? {} : how;
  } catch {
    return {};
  }
}
