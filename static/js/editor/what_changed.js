// What a draft changes: a line a part, and the texts of a changed part below each other, what went in red and what came in green.
import { EditorState, EditorView, SparkSQL, sluiceHighlight, sluiceTheme, sql, syntaxHighlighting } from "../../vendor/codemirror.js";
import { unifiedMergeView } from "../../vendor/codemirror_merge.js";
import { el, icon } from "../dom.js";
import { sign } from "./changes.js";

const KINDS = { added: ["plus", "new"], taken: ["minus", "taken out"], changed: ["pencil", "changed"] };

export function changesList(parts) {
  return el(
    "div",
    { class: "what-changed", tabindex: "0", role: "group", "aria-label": "What changed" },
    parts.map((part) => partOf(part, parts.length === 1)),
  );
}

/** `open`: the only one is shown at once. */
function partOf(part, open) {
  const [mark, word] = KINDS[part.kind];
  const body = el("div", {});
  const row = el(
    "details",
    { class: "part" },
    el(
      "summary",
      {},
      icon(mark),
      el("span", { class: "grow clip" }, part.name),
      el("small", { class: "mut" }, word),
      icon("chevron-down", "mut"),
    ),
    body,
  );
  // Drawn when it is opened: an editor that nobody looks at costs as much as one that is read.
  row.addEventListener("toggle", () => row.open && !body.hasChildNodes() && body.append(...textsOf(part)), { once: true });
  row.open = open;
  return row;
}

function textsOf({ before, after }) {
  const [a, b] = [before, after].map((part) => (typeof part === "object" ? part : { value: part }));
  const names = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])];
  return names
    .filter((name) => sign(a?.[name]) !== sign(b?.[name]))
    .flatMap((name) => [el("p", { class: "mut small" }, name === "value" ? "" : name), texts(asText(a?.[name]), asText(b?.[name]))]);
}

const asText = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));

function texts(before, after) {
  const host = el("div", {});
  new EditorView({
    parent: host,
    state: EditorState.create({
      doc: after,
      extensions: [
        unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 2, minSize: 5 } }),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.lineWrapping,
        syntaxHighlighting(sluiceHighlight),
        sluiceTheme,
        sql({ dialect: SparkSQL }),
        EditorView.contentAttributes.of({ "aria-label": "before and after", tabindex: "0" }),
      ],
    }),
  });
  return host;
}
