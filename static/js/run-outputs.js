// “See rows” of an output: its first rows as they lie in the lake now.
import { howMany, putRows } from "./rows.js";

const panel = document.getElementById("output-rows");
let asking = null;

document.getElementById("panel-outputs").addEventListener("click", async (event) => {
  const button = event.target.closest("[data-rows]");
  if (!button) return;
  asking?.abort();
  asking = new AbortController();
  for (const other of document.querySelectorAll("[data-rows]")) other.setAttribute("aria-pressed", String(other === button));
  panel.hidden = false;
  const { rows: url, uri } = button.dataset;
  const about = (rows) => `${howMany(rows)} of ${uri} as it is now`;
  await putRows({
    url,
    body: {},
    signal: asking.signal,
    name: uri,
    put: (...nodes) => panel.replaceChildren(...nodes),
    about,
    internal: false,
  });
  panel.scrollIntoView({ block: "nearest" });
});
