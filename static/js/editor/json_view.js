// The whole document as JSON. What cannot be read is shown with its place, and nothing is lost by it.
import { basicSetup, EditorState, EditorView, json, keymap, Prec, parameterHighlight, setDiagnostics } from "../../vendor/codemirror.js";
import { ownInput } from "./own_input.js";

export class JsonView {
  constructor(parent, store, { preview }) {
    this.store = store;
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: store.text(),
        extensions: [
          Prec.highest(
            keymap.of([
              {
                key: "Mod-Enter",
                run: () => {
                  preview();
                  return true;
                },
              },
            ]),
          ),
          basicSetup,
          ownInput,
          json(),
          parameterHighlight,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Job document as JSON", spellcheck: "false" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !this.silent) store.setText(update.state.doc.toString(), this);
          }),
        ],
      }),
    });
  }

  /** The document was changed elsewhere. */
  refresh() {
    const text = this.store.text();
    if (text === this.view.state.doc.toString()) return;
    this.silent = true;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
    this.silent = false;
  }

  mark(problems) {
    const found = problems.map((problem) => ({
      ...this.range(problem),
      severity: "error",
      message: [problem.message, problem.fix].filter(Boolean).join(" "),
    }));
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }

  /** A problem of the document has a line of its own; one of a stage is marked at the stage's name. */
  range(problem) {
    const { doc } = this.view.state;
    if (problem.stage_index === undefined && problem.line) {
      const line = doc.line(Math.min(problem.line, doc.lines));
      const from = Math.min(line.from + Math.max((problem.column ?? 1) - 1, 0), line.to);
      return { from: Math.max(from === doc.length ? from - 1 : from, 0), to: Math.min(from + 1, doc.length) };
    }
    const sign = problem.stage ? `"name": ${JSON.stringify(problem.stage)}` : '"stages"';
    const at = Math.max(doc.toString().indexOf(sign), 0);
    return { from: at, to: Math.min(at + sign.length, doc.length) };
  }

  goto(problem) {
    const { from } = this.range(problem);
    this.view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
    this.view.focus();
  }

  destroy() {
    this.view.destroy();
  }
}
