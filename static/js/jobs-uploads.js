// Files dropped on home or a page of jobs: a job is begun from them.

import { show } from "./toasts.js";
import { startUploads } from "./upload/main.js";

const config = JSON.parse(document.getElementById("uploads-config").textContent);

startUploads(config, (uris) => {
  if (uris.length === 1) location.assign(`${config.look}?uri=${encodeURIComponent(uris[0])}`);
  else {
    show({ text: `${uris.length} files have arrived.`, tone: "ok" });
    location.assign(config.list);
  }
});
