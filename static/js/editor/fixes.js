// From the words of a problem to a change of the text: “Did you mean “wind_speed”?” names what to put in.

/** { found, by } when the problem says what was found and what was probably meant; null otherwise. */
export function replacementOf(problem) {
  const meant = /^Did you mean “([^”]+)”\?/.exec(problem.fix ?? "")?.[1];
  const found = problem.found?.replace(/^“|”$/g, "");
  if (!meant || !found) return null;
  if (found.startsWith("${")) return { found, by: `\${${meant}}` };
  return problem.code === "column-unknown" ? column(found, meant) : { found, by: meant };
}

/** w.wind_sped → w.wind_speed: only the name behind the point is exchanged. */
function column(found, meant) {
  const last = (name) => name.slice(name.lastIndexOf(".") + 1);
  return found.includes(".") ? { found: last(found), by: last(meant) } : { found, by: meant };
}
