// Files dropped on home or a page of jobs: a job is begun from them.

import { startUploads } from "./upload/main.js";

const config = JSON.parse(document.getElementById("uploads-config").textContent);

startUploads(config, (uris) => (uris.length === 1 ? `${config.look}?uri=${encodeURIComponent(uris[0])}` : config.list));
