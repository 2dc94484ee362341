// A POST whose answer is one JSON object a line, read while it arrives.
import { csrfToken, Refusal } from "./server.js";

/** Calls `take` for each object. Throws Refusal for an answer that is not 2xx, AbortError when `signal` fired. */
export async function lines(url, body, signal, take) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST",
      signal,
      credentials: "same-origin",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", Accept: "application/x-ndjson, application/json", "X-CSRFToken": csrfToken() },
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, null, "Sluice does not answer. Try again in a moment.");
  }
  if (!answer.ok) throw await refusal(answer);
  let rest = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const pieces = (rest + part.value).split("\n");
    rest = pieces.pop();
    for (const piece of pieces) if (piece.trim()) take(JSON.parse(piece));
  }
  if (rest.trim()) take(JSON.parse(rest));
}

async function refusal(answer) {
  let body = null;
  try {
    body = await answer.json();
  } catch {
    /* an error page */
  }
  const said = body?.detail ?? body?.title;
  const words = said
    ? [said, body.fix].filter(Boolean).join(" ")
    : answer.status === 401 || answer.status === 403
      ? "You are no longer signed in. Sign in in another tab; what you typed here stays."
      : "This cannot be done just now. Try again in a moment.";
  return new Refusal(answer.status, body, words);
}
