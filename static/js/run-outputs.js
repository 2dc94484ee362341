// “See rows” of an output, or those of a stage's values to look at: read now, as the lake is now.
import { downloadLine } from "./download.js";
import { howMany, putRows } from "./rows.js";

let asking = null;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-rows]");
  if (!button) return;
  asking?.abort();
  asking = new AbortController();
  const { rows: url, uri, panel: place = "output-rows" } = button.dataset;
  const panel = document.getElementById(place);
  for (const other of document.querySelectorAll("[data-rows]")) other.setAttribute("aria-pressed", String(other === button));
  panel.hidden = false;
  const about = (rows) =>
    place === "output-rows"
      ? `${howMany(rows)} of ${uri} as it is now`
      : `${howMany(rows)} of “${uri}” with values to look at, made anew from the inputs as they are now`;
  const shown = await putRows({
    url,
    body: {},
    signal: asking.signal,
    name: uri,
    put: (...nodes) => panel.replaceChildren(...nodes),
    about,
    internal: place !== "output-rows",
  });
  if (shown && place === "output-rows") panel.append(downloadLine(url.replace(/rows$/, "download")));
  panel.scrollIntoView({ block: "nearest" });
});
