// Who else is at this job, and whether somebody saved a version meanwhile. A small question every 15 seconds while the page is looked at.

import { el, icon } from "../dom.js";
import { request } from "../server.js";

const EVERY = 15_000;

/** newer({ latest_version, latest_author }) is called when a version appeared that this draft does not start from. */
export function watch(root, urls, draft, newer) {
  let refused = false;
  const ask = async () => {
    if (document.hidden || refused) return;
    try {
      const answer = await request(urls.presence);
      root.replaceChildren(
        ...answer.people.map((name) =>
          el(
            "span",
            { class: "chip", title: `${name} changed a draft of this job within the last minute` },
            icon("user"),
            ` ${name} is here`,
          ),
        ),
      );
      if (answer.latest_version && answer.latest_version !== draft.base) newer(answer);
    } catch (error) {
      /* The draft's banner tells of a lost connection. Whose right is gone asks no more: each refusal is in the audit. */
      refused = error.status === 403 || error.status === 404;
    }
  };
  ask();
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
}
