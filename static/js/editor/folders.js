// What lies in folders of roots, asked for once each while somebody browses or types an address.

export class Folders {
  /** `request(url)` gives JSON. */
  constructor(url, request) {
    Object.assign(this, { url, request, known: new Map(), came: new Map() });
  }

  forget() {
    this.known.clear();
    this.came.clear();
  }

  /** { entries, more, is_table }, asked for once; a folder that could not be listed is asked for again. */
  of(uri) {
    if (!this.known.has(uri)) {
      const asked = this.request(`${this.url}?${new URLSearchParams({ uri })}`);
      this.known.set(uri, asked);
      asked.then(
        (level) => this.came.set(uri, level),
        () => this.known.delete(uri),
      );
    }
    return this.known.get(uri);
  }

  /** What lies there and `fits`, if it has come; else nothing, and `again` is called when it has. */
  suggestions(uri, again, fits = () => true) {
    const level = this.came.get(uri);
    if (!level) {
      if (!this.known.has(uri)) this.of(uri).then(again, () => {});
      return [];
    }
    return level.entries.filter(fits).map(({ uri: name, is_folder }) => ({ name: is_folder ? `${name}/` : name }));
  }
}

/** The folder of another root in which the address that is being typed lies: `archive:20` → `archive:`, `archive:2013/x` → `archive:2013`. */
export function folderOf(typed, roots) {
  const [name, ...rest] = typed.split(":");
  const root = roots.find((one) => one.name === name && !one.is_default);
  if (!root || !rest.length) return null;
  const path = rest.join(":");
  return `${name}:${path.slice(0, Math.max(0, path.lastIndexOf("/")))}`;
}

/** The roots as beginnings of addresses; the one that needs no name is none. */
export const rootsThatFit = (roots) => roots.filter((one) => !one.is_default).map((one) => ({ name: `${one.name}:`, words: inWords(one) }));

export const inWords = ({ where, may_write }) => `${where}, ${may_write ? "to read and write" : "read only"}`;
