// How a sender's requests are made: XMLHttpRequest, because it alone tells how far a piece is.
import { csrfToken } from "../server.js";
import { Refused } from "./sender.js";

/** call(method, url, { json | bytes, headers, signal, progress(sentBytes) }) → the answer's JSON. Throws Refused or AbortError. */
export function call(method, url, { json, bytes, headers = {}, signal, progress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrfToken());
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (json !== undefined) request.setRequestHeader("Content-Type", "application/json");
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop, { once: true });
    if (progress) request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("loadend", () => {
      signal?.removeEventListener("abort", stop);
      const read = readJson(request.responseText);
      if (signal?.aborted) reject(Object.assign(new Error("cancelled"), { name: "AbortError" }));
      else if (request.status >= 200 && request.status < 300) resolve(read);
      else reject(new Refused(request.status, read));
    });
    request.send(json === undefined ? (bytes ?? null) : JSON.stringify(json));
  });
}

function readJson(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** sha-256 in base64; null where the browser offers none (a page that is not served over https). */
export async function digest(buffer) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return btoa(String.fromCharCode(...bytes));
}

export const wait = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
