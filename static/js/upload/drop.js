// Files from outside: dropped anywhere on the page, chosen with a button, or pasted.
import { el, icon } from "../dom.js";

/** help: { said, limitWords, where, accept, take(files, over) } */
export function takeFiles(help) {
  const input = el("input", {
    type: "file",
    multiple: true,
    class: "visually-hidden",
    tabindex: "-1",
    "aria-label": "Files to upload",
    id: "upload-input",
  });
  input.setAttribute("accept", help.accept.join(","));
  document.body.append(input);
  let over = null;
  input.addEventListener("change", () => {
    help.take([...input.files], over);
    input.value = "";
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-upload]");
    if (!button) return;
    over = button.dataset.uploadOver ?? null;
    input.multiple = !over;
    input.click();
  });
  veil(help);
}

/** Covers the page while files are held over it. */
function veil(help) {
  let depth = 0;
  let shown = null;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const isFor = (event) => hasFiles(event) && !event.target.closest?.("input[type=file]"); // a field takes its file itself
  const hide = () => {
    depth = 0;
    shown?.remove();
    shown = null;
  };
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    if (shown || document.querySelector("dialog[open]")) return;
    shown = el(
      "div",
      { class: "drop-veil" },
      el(
        "div",
        {},
        icon("upload"),
        el("b", {}, `Drop to upload to ${help.where}`),
        el("span", { class: "mut" }, help.said),
        el("span", { class: "mut small" }, help.limitWords),
      ),
    );
    document.body.append(shown);
  });
  document.addEventListener("dragover", (event) => isFor(event) && event.preventDefault());
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) hide();
  });
  document.addEventListener("drop", (event) => {
    hide();
    if (!isFor(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    if (files.length && !document.querySelector("dialog[open]")) help.take(files, null);
  });
}
