// What the stages of an answer tell of their rows: shown wherever the rows are.

/** What a stage said is to be looked at, though it went well. */
export const remarksOf = ({ stage, stage_index, details }) =>
  (details?.warnings ?? []).map(({ code, message, found, fix }) => ({
    code,
    stage,
    stage_index,
    words: [message, found && `Found: ${found}.`, fix].filter(Boolean).join(" "),
  }));

/** Code of a remark → the kind of count that says the same with numbers. */
const COUNTED_AS = { "rows-rejected": "another-width" };

/** The remarks that no count of the same stage says, too. */
export function uncounted(remarks, values) {
  const counts = values.flatMap(({ stage_index, counts }) => (counts ?? []).map(({ kind }) => `${stage_index} ${kind}`));
  const counted = new Set(counts);
  return remarks.filter(({ code, stage_index }) => !counted.has(`${stage_index} ${COUNTED_AS[code]}`));
}

/** One sentence for each thing that `events` tell of the rows they hold. */
export function told(events) {
  const values = events.filter((event) => event.event === "value_warnings");
  const remarks = events.filter((event) => event.event === "stage_finished").flatMap(remarksOf);
  return [...values, ...uncounted(remarks, values)].map(({ words }) => words);
}
