// Two versions side by side, or in one column: one merge view for each changed SQL, and one for the whole document when its tab is opened.
import {
  EditorState,
  EditorView,
  json,
  lineNumbers,
  parameterHighlight,
  SparkSQL,
  sluiceHighlight,
  sluiceTheme,
  sql,
  syntaxHighlighting,
} from "../vendor/codemirror.js";
import { MergeView, unifiedMergeView } from "../vendor/codemirror_merge.js";

const collapseUnchanged = { margin: 3, minSize: 6 };
const isNarrow = matchMedia("(max-width: 699.98px)").matches;

const look = (language, label) => [
  lineNumbers(),
  EditorView.lineWrapping,
  EditorState.readOnly.of(true),
  EditorView.editable.of(false),
  syntaxHighlighting(sluiceHighlight),
  sluiceTheme,
  parameterHighlight,
  language,
  EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
];

// Where there is no room for two columns, what went and what came stand in one.
function merge(parent, before, after, language, label) {
  if (isNarrow) {
    const unified = unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged });
    return new EditorView({ doc: after, extensions: [look(language, label), unified], parent });
  }
  return new MergeView({
    a: { doc: before, extensions: look(language, `${label} before`) },
    b: { doc: after, extensions: look(language, `${label} after`) },
    parent,
    collapseUnchanged,
  });
}

for (const place of document.querySelectorAll(".sql-merge")) {
  const text = (name) => place.querySelector(`template[data-${name}]`).content.textContent;
  merge(place, text("before"), text("after"), sql({ dialect: SparkSQL }), place.dataset.label);
}

const documents = JSON.parse(document.getElementById("documents").textContent);
document
  .getElementById("t-json")
  .addEventListener(
    "tab:chosen",
    () => merge(document.getElementById("json-merge"), documents.before, documents.after, json(), "document"),
    { once: true },
  );
