// The SQL of a stage: colours, completion (views, their columns, functions, parameters), problems in place, laying out.
import {
  basicSetup,
  Compartment,
  closeCompletion,
  EditorState,
  EditorView,
  functionHighlight,
  keymap,
  keywordCompletionSource,
  Prec,
  parameterHighlight,
  placeholder,
  SparkSQL,
  schemaCompletionSource,
  setDiagnostics,
  sparkFunctions,
  syntaxTree,
} from "../../vendor/codemirror.js";
import { columnsInOrder, expectsView } from "./completion.js";
import { changeOf, replacementOf } from "./fixes.js";
import { ownInput } from "./own_input.js";

const language = new Compartment();
const FUNCTIONS = sparkFunctions
  .filter((name) => /^[a-z]\w+$/.test(name))
  .map((name) => ({ label: name, type: "function", apply: callOf(name) }));

/** help: { views() → [{ name, columns: [{ name, type }] }], parameters() → names, change(text), preview(), format(); placeholder and
 * viewWord, what a view is called, where it is no stage's text } */
export class SqlEditor {
  constructor(parent, text, help) {
    this.help = help;
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.highest(
            keymap.of([
              {
                key: "Mod-Enter",
                run: (view) => {
                  closeCompletion(view);
                  help.preview();
                  return true;
                },
              },
              {
                key: "Shift-Alt-f",
                run: () => {
                  help.format();
                  return true;
                },
              },
              { key: "Mod-k", run: () => false },
            ]),
          ),
          basicSetup,
          ownInput,
          parameterHighlight,
          functionHighlight,
          language.of(this.language()),
          placeholder(help.placeholder ?? "SELECT … FROM a view of an earlier stage"),
          SparkSQL.language.data.of({ autocomplete: (context) => this.complete(context) }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !this.silent) help.change(this.text());
          }),
          EditorView.contentAttributes.of({ "aria-label": "SQL", spellcheck: "false" }),
        ],
      }),
    });
  }

  text() {
    return this.view.state.doc.toString();
  }
  focus() {
    this.view.focus();
  }
  destroy() {
    this.view.destroy();
  }

  /** Another text from outside (undo, JSON view, merge): only the part that differs is exchanged, so the cursor stays. */
  set(text) {
    const old = this.text();
    if (old === text) return;
    let start = 0;
    while (start < old.length && start < text.length && old[start] === text[start]) start += 1;
    let end = 0;
    while (end < old.length - start && end < text.length - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
    this.silent = true;
    this.view.dispatch({ changes: { from: start, to: old.length - end, insert: text.slice(start, text.length - end) } });
    this.silent = false;
  }

  /** Puts `text` where the cursor is, apart from words beside it. */
  insert(text) {
    const { state } = this.view;
    const { from, to } = state.selection.main;
    const joins = (at) => /[\w`]/.test(state.sliceDoc(at, at + 1));
    const insert = `${from > 0 && joins(from - 1) ? " " : ""}${text}${joins(to) ? " " : ""}`;
    this.view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, scrollIntoView: true });
    this.focus();
  }

  /** As `set`, but told like typing. */
  replaceAll(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  learn() {
    this.view.dispatch({ effects: language.reconfigure(this.language()) });
  }

  language() {
    const schema = Object.fromEntries(this.help.views().map((view) => [view.name, columnsInOrder(view.columns)]));
    const keyword = (label, type) => ({
      label: type === "variable" ? label.toLowerCase() : label.toUpperCase(),
      type: type === "variable" ? "function" : "keyword",
      boost: -1,
    });
    const names = schemaCompletionSource({ dialect: SparkSQL, schema });
    const keywords = keywordCompletionSource(SparkSQL, false, keyword);
    const inQuery = (source) => (context) => (expectsView(textBefore(context)) ? null : source(context));
    return [SparkSQL.language, ...[names, keywords].map((source) => SparkSQL.language.data.of({ autocomplete: inQuery(source) }))];
  }

  /** Columns of the views that the query mentions, without their alias; names of WITH parts; functions; ${parameters}. */
  complete(context) {
    if (/Comment|String/.test(syntaxTree(context.state).resolveInner(context.pos, -1).name)) return null;
    const parameter = context.matchBefore(/\$\{\w*/);
    if (parameter)
      return {
        from: parameter.from,
        options: this.help.parameters().map((name) => ({ label: `\${${name}}`, type: "variable", apply: withoutSecondBrace(name) })),
        validFor: /^\$\{\w*$/,
      };
    if (expectsView(textBefore(context))) return this.viewsToRead(context);
    const word = context.matchBefore(/\w+/);
    if ((!word && !context.explicit) || context.matchBefore(/\.\w*/)) return null;
    const text = this.text();
    const named = namedByWith(text);
    const columns = this.help
      .views()
      .filter((view) => new RegExp(`\\b${view.name}\\b`, "i").test(text))
      .flatMap((view) =>
        view.columns.map((column) => ({ label: column.name, type: "property", detail: `${column.type} · ${view.name}`, boost: 2 })),
      );
    return { from: word?.from ?? context.pos, options: [...columns, ...named, ...FUNCTIONS], validFor: /^\w*$/ };
  }

  /** Behind FROM and JOIN: views of earlier stages, the last made first, and names that WITH gives. */
  viewsToRead(context) {
    const views = this.help
      .views()
      .map((view, place) => ({ label: view.name, type: "class", detail: this.help.viewWord ?? "view", boost: Math.min(place, 98) }));
    const from = context.matchBefore(/`?\w*$/)?.from ?? context.pos;
    return { from, options: [...namedByWith(this.text()), ...views], validFor: /^`?\w*$/ };
  }

  /** Problems of this field; each is marked at its place, with its fix where one is known. */
  mark(problems) {
    const found = problems.map((problem) => this.diagnostic(problem));
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }

  diagnostic(problem) {
    const { from, to } = this.range(problem);
    const fix = replacementOf(problem);
    const actions = fix ? [{ name: `Replace by ${fix.by}`, apply: (_view, start, end) => this.replace(problem, start, end) }] : [];
    if (problem.edit) actions.push({ name: problem.edit.says, apply: () => this.mend(problem) });
    const severity = problem.severity === "warning" ? "warning" : "error";
    return { from, to, severity, message: [problem.message, problem.fix].filter(Boolean).join(" "), actions };
  }

  /** Makes the change that the problem brings along; one undo takes it back. */
  mend(problem) {
    const changes = changeOf(problem, this.view.state.doc.toString());
    if (changes) this.view.dispatch({ changes, selection: { anchor: changes.from + changes.insert.length }, scrollIntoView: true });
    this.focus();
  }

  replace(problem, start, end) {
    const fix = replacementOf(problem);
    const place = start === undefined ? this.range(problem) : { from: start, to: end };
    const text = this.view.state.sliceDoc(place.from, place.to);
    const at = text.toLowerCase().lastIndexOf(fix.found.toLowerCase());
    const from = at < 0 ? place.from : place.from + at;
    const to = at < 0 ? place.to : from + fix.found.length;
    this.view.dispatch({ changes: { from, to, insert: fix.by }, selection: { anchor: from + fix.by.length } });
    this.focus();
  }

  /** Where it is: from its line and column to the end of what was found there, or of the word. */
  range(problem) {
    const { doc } = this.view.state;
    if (!problem.line) return { from: doc.line(1).from, to: doc.line(1).to };
    const line = doc.line(Math.min(problem.line, doc.lines));
    const start = Math.min(line.from + Math.max((problem.column ?? 1) - 1, 0), line.to);
    const from = start + lastPart(problem, doc.sliceString(start, Math.min(start + 200, doc.length)));
    const rest = doc.sliceString(from, Math.min(from + 200, doc.length));
    const length = /^(\$\{[^}]*\}?|[\w.`]+|[^\s\w]+)/.exec(rest)?.[0].length ?? 1;
    return { from: from === doc.length && from > 0 ? from - 1 : from, to: Math.min(from + length, doc.length) };
  }

  goto(problem) {
    const { from } = this.range(problem);
    this.view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
    this.focus();
  }
}

/** Of `w.wind_sped` only the name behind the point is wrong: how far in it begins. */
function lastPart(problem, text) {
  const found = problem.code === "column-unknown" ? (problem.found ?? "") : "";
  return found.includes(".") && text.toLowerCase().startsWith(found.toLowerCase()) ? found.lastIndexOf(".") + 1 : 0;
}

/** The text a completion is asked for behind, as far back as it can matter. */
const textBefore = ({ state, pos }) => state.sliceDoc(Math.max(0, pos - 1000), pos);

const namedByWith = (text) =>
  [...text.matchAll(/\b([A-Za-z_]\w*)\s+AS\s*\(/gi)].map((found) => ({ label: found[1], type: "type", detail: "WITH" }));

/** name( ) with the cursor between the parentheses, which are not doubled. */
function callOf(name) {
  return (view, _completion, from, to) => {
    const called = view.state.sliceDoc(to, to + 1) === "(";
    view.dispatch({ changes: { from, to, insert: called ? name : `${name}()` }, selection: { anchor: from + name.length + 1 } });
  };
}

/** Typing `${` closes the brace by itself; the completion must not leave two. */
function withoutSecondBrace(name) {
  return (view, _completion, from, to) => {
    const closed = view.state.sliceDoc(to, to + 1) === "}";
    view.dispatch({ changes: { from, to: closed ? to + 1 : to, insert: `\${${name}}` }, selection: { anchor: from + name.length + 3 } });
  };
}
