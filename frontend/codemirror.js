// What the editor pages get of CodeMirror 6: only what our scripts import, the rest is left out of the bundle.
// import { EditorView, … } from "/static/vendor/codemirror.js"
export { closeCompletion } from "@codemirror/autocomplete";
export { json } from "@codemirror/lang-json";
export { keywordCompletionSource, schemaCompletionSource, sql } from "@codemirror/lang-sql";
export { syntaxHighlighting, syntaxTree } from "@codemirror/language";
export { lintGutter, setDiagnostics } from "@codemirror/lint";
export { openSearchPanel } from "@codemirror/search";
export { Compartment, EditorState, Prec } from "@codemirror/state";
export { EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
export { basicSetup, sluiceHighlight, sluiceTheme } from "./setup.js";
export { functionHighlight, highlightSql, parameterHighlight, SparkSQL, sparkFunctions, sparkSql } from "./spark_sql.js";
