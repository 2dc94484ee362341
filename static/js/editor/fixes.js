// From the words of a problem to a change of the text: “Did you mean “wind_speed”?” names what to put in.

/** { found, by } when the problem says what was found and what was probably meant; null otherwise. */
export function replacementOf(problem) {
  const meant = /^Did you mean “([^”]+)”\?/.exec(problem.fix ?? "")?.[1];
  const found = problem.found?.replace(/^“|”$/g, "");
  if (!meant || !found) return null;
  if (found.startsWith("${")) return { found, by: `\${${meant}}` };
  const qualified = found.includes(".") && !meant.includes(".");
  return { found: qualified ? found.slice(found.lastIndexOf(".") + 1) : found, by: meant };
}
