// Two texts side by side; apart, because only pages that compare need it.
export { MergeView } from "@codemirror/merge";
