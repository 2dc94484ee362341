// What text editors take from hands other than they would by themselves.
//
// Typing over a selection is not left to the browser's own editing, which would keep the old text's look by a style attribute: the content
// security policy refuses that, and the console fills with refusals. Files that are let go over a query are uploaded by the page; their text
// does not become part of the query.
import { EditorView } from "../../vendor/codemirror.js";

export const ownInput = EditorView.domEventHandlers({
  drop: (event) => [...(event.dataTransfer?.types ?? [])].includes("Files"),
  beforeinput(event, view) {
    const { main, ranges } = view.state.selection;
    const text = event.data;
    if (event.inputType !== "insertText" || !text || main.empty || ranges.length > 1 || view.composing || view.state.readOnly) return false;
    event.preventDefault();
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    const handled = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, main.from, main.to, text, insert));
    if (!handled) view.dispatch(insert());
    return true;
  },
});
