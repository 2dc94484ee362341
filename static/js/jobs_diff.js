// Two versions side by side: one merge view for each changed SQL, and one for the whole document when its tab is opened.
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
import { MergeView } from "../vendor/codemirror_merge.js";

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

function merge(parent, before, after, language, label) {
  return new MergeView({
    a: { doc: before, extensions: look(language, `${label} before`) },
    b: { doc: after, extensions: look(language, `${label} after`) },
    parent,
    collapseUnchanged: { margin: 3, minSize: 6 },
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
