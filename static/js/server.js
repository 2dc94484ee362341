// Talking to the server: the CSRF token, plain words when it does not answer, and JSON requests for page scripts.
import { show } from "./toasts.js";

export const csrfToken = () => document.querySelector("meta[name=csrf-token]")?.content ?? "";

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});
// What asks every few seconds rests while nobody looks, and for good once it is refused: each refusal is in the audit.
document.addEventListener("htmx:beforeRequest", (event) => {
  const rests = document.hidden || event.target.dataset.refused;
  if (rests && event.target.matches("[hx-trigger*=every]")) event.preventDefault();
});
document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  if (status === 403 || status === 404) {
    worksAgain(event.target); // what was said before is not so any more
    event.target.dataset.refused = status;
  }
  tell(event.target, refusalOf(status, responseText, event.detail.xhr.getResponseHeader("X-Request-Id")));
});
// A session that ended answers with the sign-in page, which must not be put into the middle of this one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isSignIn(event)) return;
  event.detail.shouldSwap = false;
  tell(event.detail.requestConfig.elt, SIGNED_OUT);
});
document.addEventListener("htmx:sendError", (event) => tell(event.target, NO_ANSWER));
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && !isSignIn(event) && worksAgain(event.target));

const isSignIn = (event) => new URL(event.detail.xhr.responseURL, location).pathname.startsWith("/sign-in");

/** Pieces that refresh themselves and cannot, each with what takes its words away: said once, not every few seconds until it works again. */
const troubles = new Map();

function tell(piece, text) {
  if (troubles.has(piece)) return;
  const takeAway = show({ text, tone: "bad" });
  if (piece.matches("[hx-trigger*=every]")) troubles.set(piece, takeAway);
}

function worksAgain(piece) {
  troubles.get(piece)?.();
  troubles.delete(piece);
}

const SIGNED_OUT = "You are no longer signed in, or may not do this. Sign in in another tab; what you typed here stays.";
const NO_ANSWER = "Sluice does not answer. What you typed is still here; try again in a moment.";

/** An answer that is not 2xx. `problems` are the executor's, when the refusal carries them. */
export class Refusal extends Error {
  constructor(status, body, text) {
    super(text);
    this.status = status;
    this.body = body;
    this.problems = body?.problems ?? [];
  }
}

/** Sends and reads JSON with the session and the CSRF token. Throws Refusal (its message is for people) or, on abort, AbortError. */
export async function request(url, { method = "GET", body, signal, headers = {} } = {}) {
  const options = { method, signal, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (method !== "GET") options.headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, null, NO_ANSWER);
  }
  const text = await answer.text();
  let read = null;
  try {
    read = text ? JSON.parse(text) : null;
  } catch {
    /* an error page, not JSON */
  }
  if (answer.ok) return read;
  throw new Refusal(answer.status, read, refusalOf(answer.status, text, answer.headers.get("X-Request-Id")));
}

/** One plain sentence for a refused request. */
function refusalOf(status, text, requestId) {
  const known = sentenceOf(text);
  const id = requestId ? ` Request ${requestId.slice(0, 8)}.` : "";
  if (known) return known;
  if (status === 401 || status === 403) return SIGNED_OUT;
  if (status === 404) return "There is nothing here, or you may not see it.";
  if (status === 503) return `A part of Sluice is down. Try again in a moment.${id}`;
  return `Something went wrong on our side.${id}`;
}

function sentenceOf(text) {
  try {
    const body = JSON.parse(text);
    const said = body.detail ?? body.title;
    return said && body.fix ? `${said} ${body.fix}` : said;
  } catch {
    return null;
  }
}
