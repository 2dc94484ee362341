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

/** As `folderOf`, for an address such as `s3a://acme/prod/20` that lies in a root: { folder, absolute(name) }, which gives what lies there
 * as it is being typed; null where it lies in none. */
export function absoluteIn(typed, roots) {
  const within = roots.filter(({ address }) => address && typed.startsWith(withSlash(address)));
  const root = within.sort((one, other) => other.address.length - one.address.length)[0];
  if (!root) return null;
  const place = typed.slice(withSlash(root.address).length);
  const own = root.is_default ? "" : `${root.name}:`;
  return {
    folder: `${root.name}:${place.slice(0, Math.max(0, place.lastIndexOf("/")))}`,
    absolute: (name) => withSlash(root.address) + (name.startsWith(own) ? name.slice(own.length) : name),
  };
}

const withSlash = (address) => (address.endsWith("/") ? address : `${address}/`);

/** The addresses by which documents of other systems call the roots, while such a one is being typed. */
export const addressesThatFit = (typed, roots) =>
  /^s3a?:/.test(typed)
    ? roots.filter(({ address }) => address).map((one) => ({ name: withSlash(one.address), words: `the root ${one.name}` }))
    : [];

/** The roots as beginnings of addresses; the one that needs no name is none. */
export const rootsThatFit = (roots) => roots.filter((one) => !one.is_default).map((one) => ({ name: `${one.name}:`, words: inWords(one) }));

export const inWords = ({ where, may_write }) => `${where}, ${may_write ? "to read and write" : "read only"}`;
