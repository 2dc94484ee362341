// What the stages of an answer tell of their rows: shown wherever the rows are.

/** What a stage said is to be looked at, though it went well. */
export const remarksOf = ({ stage, stage_index, details }) =>
  (details?.warnings ?? []).map(({ message, found, fix }) => ({
    stage,
    stage_index,
    words: [message, found && `Found: ${found}.`, fix].filter(Boolean).join(" "),
  }));

/** The remarks of stages that counted nothing: what was counted says the same with numbers. */
export function uncounted(remarks, values) {
  const counted = new Set(values.map((event) => event.stage_index));
  return remarks.filter((remark) => !counted.has(remark.stage_index));
}

/** One sentence for each thing that `events` tell of the rows they hold. */
export function told(events) {
  const values = events.filter((event) => event.event === "value_warnings");
  const remarks = events.filter((event) => event.event === "stage_finished").flatMap(remarksOf);
  return [...values, ...uncounted(remarks, values)].map(({ words }) => words);
}
