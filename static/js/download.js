// Rows taken home: asked for with a POST, shown as a file once all of it is there.
import { el, icon } from "./dom.js";
import { csrfToken } from "./server.js";
import { show } from "./toasts.js";

export const FORMS = [
  ["csv", "CSV", "file-type-csv"],
  ["csv-excel", "CSV for Excel", "file-type-csv"],
  ["xlsx", "Excel", "file-spreadsheet"],
  ["parquet", "Parquet", "table"],
];

/** Fetches the file and hands it to the browser. `body` is sent as JSON with `form` in it. */
export async function download(url, body, form) {
  const taken = show({ text: "The file is being made …", tone: "info", lasts: 0 });
  try {
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() };
    const answer = await fetch(url, { method: "POST", credentials: "same-origin", headers, body: JSON.stringify({ ...body, form }) });
    if (!answer.ok) throw new Error(await wordsOf(answer));
    save(await answer.blob(), nameOf(answer));
    tell(answer);
  } catch (error) {
    show({ text: error.message || "Sluice does not answer. Try again in a moment.", tone: "bad" });
  } finally {
    taken();
  }
}

async function wordsOf(answer) {
  const said = await answer.json().catch(() => null);
  return [said?.detail, said?.fix].filter(Boolean).join(" ") || "The file could not be made.";
}

export function nameOf(answer) {
  const found = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
  return found ? decodeURIComponent(found[1]) : "rows";
}

function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name, hidden: true });
  document.body.append(link);
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
    link.remove();
  }, 10000);
}

function tell(answer) {
  const rows = Number(answer.headers.get("X-Sluice-Rows"));
  const notes = decodeURIComponent(answer.headers.get("X-Sluice-Notes") ?? "");
  const whole = answer.headers.get("X-Sluice-Complete") === "yes";
  const name = nameOf(answer);
  const words = whole
    ? `${name}: ${rows.toLocaleString("en-US")} rows.`
    : `${name}: the first ${rows.toLocaleString("en-US")} rows: there are more.`;
  show({ text: [words, notes].filter(Boolean).join(" "), tone: whole && !notes ? "ok" : "warn" });
}

/** A line of buttons, one for each form. `body()` is asked when one is pressed. */
export function downloadLine(url, body = () => ({})) {
  const buttons = FORMS.map(([form, words, symbol]) =>
    el("button", { type: "button", class: "btn sm ghost", onclick: () => download(url, body(), form) }, icon(symbol, "mut"), ` ${words}`),
  );
  return el("div", { class: "in flow tight download-line" }, el("span", { class: "mut small" }, "Take the rows home:"), buttons);
}

// <… data-download-url="…"> holds buttons with data-download="csv".
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-download]");
  const url = button?.closest("[data-download-url]")?.dataset.downloadUrl;
  if (!url) return;
  button.closest("details")?.removeAttribute("open");
  download(url, {}, button.dataset.download);
});
