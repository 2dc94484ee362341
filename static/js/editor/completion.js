// What may stand at a place of a query. Knows nothing of the page.
const BEHIND_RELATION_WORD = /\b(?:from|join|table)\s+[\w`]*$/i;
const IN_LIST_OF_FROM = /\bfrom\s+(?:[\w`.]+(?:\s+(?:as\s+)?\w+)?\s*,\s*)+[\w`]*$/i;
/** extract(year FROM day) and its like read no view. */
const IN_A_CALL = /\b(?:extract|trim|substring|overlay)\s*\([^()]*$/i;

/** Whether the name typed at the end of `before` is that of a view: then nothing else is offered. */
export function expectsView(before) {
  return (BEHIND_RELATION_WORD.test(before) || IN_LIST_OF_FROM.test(before)) && !IN_A_CALL.test(before);
}

/** Columns as completions, in the order of their table rather than of the alphabet. */
export function columnsInOrder(columns) {
  return columns.map((column, place) => ({
    label: column.name,
    detail: column.type,
    type: "property",
    sortText: String(place).padStart(5, "0"),
  }));
}
