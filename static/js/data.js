// Pages of data: uploads, and the rows of a table.

import { howMany, putRows } from "./rows.js";
import "./download.js";
import { startUploads } from "./upload/main.js";

const config = JSON.parse(document.getElementById("uploads-config")?.textContent ?? "null");
if (config) startUploads(config, arrived);

/** Where to go on. One file: the look at it, or at the folder whose page this is. Several: the list, or the folder that is browsed, as it is now. */
function arrived(uris) {
  if (config.folder && !config.browsed) return `${config.look}?uri=${encodeURIComponent(config.folder)}`;
  if (uris.length === 1) return `${config.look}?uri=${encodeURIComponent(uris[0])}`;
  return config.browsed ? location.href : config.list;
}

const panel = document.getElementById("table-rows");
const button = document.getElementById("see-rows");
let asking = null;

async function seeRows() {
  asking?.abort();
  asking = new AbortController();
  const { rows: url, uri } = button.dataset;
  const put = (...nodes) => panel.replaceChildren(...nodes);
  const about = (rows) => `${howMany(rows)} of ${uri} as it is now`;
  await putRows({ url, body: {}, signal: asking.signal, name: uri, put, about, internal: false });
}

button?.addEventListener("click", seeRows);
