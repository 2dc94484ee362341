// What the editor pages get of CodeMirror 6. One ES module: import { EditorView, … } from "/static/vendor/codemirror.js".
export { EditorState, EditorSelection, Compartment, StateEffect, StateField, Facet, Prec, Transaction, Text, RangeSet, RangeSetBuilder, Annotation } from "@codemirror/state";
export {
  EditorView, ViewPlugin, Decoration, WidgetType, keymap, lineNumbers, gutter, GutterMarker, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  drawSelection, dropCursor, rectangularSelection, crosshairCursor, placeholder, hoverTooltip, showTooltip, tooltips, showPanel, panels, scrollPastEnd,
} from "@codemirror/view";
export {
  history, historyKeymap, defaultKeymap, indentWithTab, undo, redo, toggleComment, toggleLineComment, indentMore, indentLess, cursorDocEnd, selectAll, insertNewlineAndIndent,
} from "@codemirror/commands";
export {
  syntaxTree, ensureSyntaxTree, indentOnInput, indentUnit, bracketMatching, foldGutter, foldKeymap, codeFolding, foldAll, unfoldAll, syntaxHighlighting, HighlightStyle,
  defaultHighlightStyle, LanguageSupport, Language,
} from "@codemirror/language";
export {
  autocompletion, completionKeymap, closeBrackets, closeBracketsKeymap, startCompletion, closeCompletion, acceptCompletion, completionStatus, currentCompletions,
  completeFromList, ifNotIn, snippet, snippetCompletion, insertCompletionText, pickedCompletion,
} from "@codemirror/autocomplete";
export { linter, lintGutter, lintKeymap, setDiagnostics, setDiagnosticsEffect, openLintPanel, closeLintPanel, nextDiagnostic, previousDiagnostic, forceLinting, diagnosticCount, forEachDiagnostic } from "@codemirror/lint";
export { search, searchKeymap, openSearchPanel, closeSearchPanel, highlightSelectionMatches, findNext, findPrevious, SearchQuery, setSearchQuery, gotoLine } from "@codemirror/search";
export { MergeView, unifiedMergeView, diff, presentableDiff, goToNextChunk, goToPreviousChunk, getChunks, acceptChunk, rejectChunk } from "@codemirror/merge";
export { sql, SQLDialect, schemaCompletionSource, keywordCompletionSource, StandardSQL } from "@codemirror/lang-sql";
export { json, jsonLanguage, jsonParseLinter } from "@codemirror/lang-json";
export { oneDark, oneDarkTheme, oneDarkHighlightStyle } from "@codemirror/theme-one-dark";
export { tags, highlightCode, classHighlighter, tagHighlighter, highlightTree } from "@lezer/highlight";
export { SparkSQL, sparkSql, sparkFunctions, sparkFunctionSource, sparkKeywords, functionHighlight, parameterHighlight, highlightSql } from "./spark_sql.js";
export { sluiceTheme, sluiceHighlight, basicSetup } from "./setup.js";
