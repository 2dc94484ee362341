// What somebody chose for a file is still there after a reload or the way back, in this tab, as long as the file is the same.
const ALWAYS = ["settings", "mends", "tab"];
const place = document.getElementById("look");
const key = `sluice-look ${place?.dataset.file}`;
/** Fields that somebody has filled in; what was proposed for them may be another the next time. */
const said = new Set();

/** Notes that a person has filled in the field called `name`. */
export const say = (name) => said.add(name);

/** What was chosen before, by field; nothing where nothing was. */
export function recalled() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key)) ?? {};
    Object.keys(kept)
      .filter((name) => !ALWAYS.includes(name))
      .forEach(say);
    return kept;
  } catch {
    return {};
  }
}

/** Keeps what the form holds now. */
export function keep(form) {
  const fields = new FormData(form);
  const kept = Object.fromEntries([...ALWAYS, ...said].filter((name) => fields.get(name)).map((name) => [name, fields.get(name)]));
  try {
    sessionStorage.setItem(key, JSON.stringify(kept));
  } catch {
    /* a browser that keeps nothing: then nothing is recalled */
  }
}
