// Two texts compared; apart, because only pages that compare need it.
export { MergeView, unifiedMergeView } from "@codemirror/merge";
