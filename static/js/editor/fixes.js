// From the words of a problem to a change of the text: “Did you mean “wind_speed”?” names what to put in.

/** { found, by } when the problem says what was found and what was probably meant; null otherwise, and where it brings the change along. */
export function replacementOf(problem) {
  if (problem.edit) return null;
  const meant = /^Did you mean “([^”]+)”\?/.exec(problem.fix ?? "")?.[1];
  const found = problem.found?.replace(/^“|”$/g, "");
  if (!meant || !found) return null;
  if (found.startsWith("${")) return { found, by: `\${${meant}}` };
  return problem.code === "column-unknown" ? column(found, meant) : { found, by: meant };
}

/** w.wind_sped → w.wind_speed: only the name behind the point is exchanged. */
function column(found, meant) {
  const last = (name) => /(`[^`]*`|[^.]*)$/.exec(name)[0];
  return found.includes(".") ? { found: last(found), by: last(meant) } : { found, by: meant };
}

/** The change a problem brings along, for a text as it is now: { from, to, insert } in the editor's units, or null where the text has changed. */
export function changeOf(problem, text) {
  const { edit } = problem;
  if (!edit) return null;
  const signs = Array.from(text);
  const from = signs.slice(0, edit.start).join("").length;
  const old = signs.slice(edit.start, edit.end).join("");
  const seen = (problem.found ?? "").replace(/…$/, "");
  if (edit.end > signs.length || !old.split(/\s+/).filter(Boolean).join(" ").startsWith(seen)) return null;
  return { from, to: from + old.length, insert: edit.text };
}
