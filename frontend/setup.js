// The look of the editor (colours are the page's tokens, so light and dark need no second theme) and its everyday parts.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

export const sluiceHighlight = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: "var(--code-keyword)" },
  { tag: [t.standard(t.name), t.standard(t.variableName), t.function(t.variableName)], color: "var(--code-function)" },
  { tag: [t.string, t.special(t.string)], color: "var(--code-string)" },
  { tag: [t.number, t.bool, t.null, t.atom], color: "var(--code-number)" },
  { tag: [t.typeName, t.className], color: "var(--code-type)" },
  { tag: [t.propertyName, t.definition(t.propertyName)], color: "var(--code-function)" },
  { tag: [t.special(t.name), t.special(t.variableName)], color: "var(--code-parameter)" },
  { tag: [t.comment, t.lineComment, t.blockComment], color: "var(--mut)", fontStyle: "italic" },
  { tag: t.invalid, color: "var(--bad)" },
]);

const squiggle = (colour) => ({
  backgroundImage: "none",
  textDecoration: `underline wavy ${colour}`,
  textDecorationSkipInk: "none",
  textUnderlineOffset: "3px",
});
const sign = (letter, colour) => ({ content: `"${letter}"`, color: colour, fontWeight: 700 });

export const sluiceTheme = EditorView.theme({
  "&": { color: "var(--code)", backgroundColor: "var(--card)", fontSize: "12.5px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--ink)", padding: "10px 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": {
    backgroundColor: "var(--code-selection)",
  },
  ".cm-gutters": { color: "var(--mut)", backgroundColor: "var(--card)", border: "0" },
  ".cm-activeLine": { backgroundColor: "var(--code-line)" },
  ".cm-activeLineGutter": { color: "var(--ink)", backgroundColor: "var(--code-line)" },
  ".cm-selectionMatch": { backgroundColor: "var(--code-match)" },
  ".cm-searchMatch": { backgroundColor: "var(--code-match)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch.cm-searchMatch-selected": { backgroundColor: "var(--code-selection)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--code-match)", outline: "1px solid var(--line-strong)" },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--bad)" },
  ".cm-parameter, .cm-parameter *": { color: "var(--code-parameter)", fontWeight: 600 },
  ".cm-function": { color: "var(--code-function)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--hover)", border: "1px solid var(--line)", color: "var(--mut)" },
  ".cm-placeholder": { color: "var(--mut)" },
  ".cm-panels": { backgroundColor: "var(--card)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "6px 10px", fontSize: "12.5px" },
  ".cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label": { fontSize: "12.5px", margin: "2px 6px 2px 0" },
  ".cm-panel.cm-search [name=close]": { fontSize: "16px", color: "var(--ink)" },
  ".cm-textfield": {
    backgroundColor: "var(--card)",
    color: "var(--ink)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--r)",
  },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--card)",
    color: "var(--ink)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--r)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--card)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    borderRadius: "var(--r)",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--sel)", color: "var(--ink)" },
  ".cm-completionDetail": { color: "var(--mut)", fontStyle: "normal" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: 700, color: "var(--accent)" },
  ".cm-completionInfo": { fontFamily: "var(--sans)", maxWidth: "360px" },
  ".cm-diagnostic": { fontFamily: "var(--sans)", fontSize: "13px", padding: "7px 10px", maxWidth: "560px" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad)" },
  ".cm-diagnostic-warning": { borderLeft: "3px solid var(--warn)" },
  ".cm-diagnostic-info": { borderLeft: "3px solid var(--run)" },
  ".cm-diagnosticAction": {
    backgroundColor: "var(--card)",
    color: "var(--ink)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--r)",
    padding: "2px 8px",
  },
  ".cm-lintRange-error": squiggle("var(--bad)"),
  ".cm-lintRange-warning": squiggle("var(--warn)"),
  ".cm-lintRange-info, .cm-lintRange-hint": squiggle("var(--run)"),
  // The package's own marks are data: images, which the CSP refuses.
  ".cm-lint-marker": { content: "normal", width: "1.2em", textAlign: "center", fontFamily: "var(--sans)", fontSize: "12px" },
  ".cm-lint-marker.cm-lint-marker-error, .cm-lint-marker.cm-lint-marker-warning, .cm-lint-marker.cm-lint-marker-info": {
    content: "normal",
  },
  ".cm-lint-marker-error::before": sign("✕", "var(--bad)"),
  ".cm-lint-marker-warning::before": sign("!", "var(--warn)"),
  ".cm-lint-marker-info::before": sign("i", "var(--run)"),
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--del)" },
  "&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine": { backgroundColor: "var(--add)" },
  // Underlined, not darker: comments and functions stay readable on it.
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText": { background: "none", boxShadow: "inset 0 -2px var(--bad-fill)" },
  "&.cm-merge-b .cm-changedText": { background: "none", boxShadow: "inset 0 -2px var(--ok-fill)" },
  ".cm-collapsedLines": { background: "var(--hover)", color: "var(--mut)" },
  ".cm-collapsedLines::before, .cm-collapsedLines::after": { content: '"···"' }, // the package's sign is in few fonts
});

/** Line numbers, undo, brackets, completion, search and their keys, in the look of the page. Language, linter and own keys are added by the caller. */
export const basicSetup = [
  lineNumbers(),
  foldGutter(),
  highlightSpecialChars(),
  history(),
  drawSelection(),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  autocompletion({ icons: false }),
  rectangularSelection(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  highlightSelectionMatches(),
  syntaxHighlighting(sluiceHighlight),
  sluiceTheme,
  EditorView.contentAttributes.of({ tabindex: "0" }),
  keymap.of([
    ...closeBracketsKeymap,
    ...defaultKeymap,
    ...searchKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    ...lintKeymap,
  ]),
];
