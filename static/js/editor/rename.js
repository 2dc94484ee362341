// A view gets another name: what reads it further down reads it under the new one. Knows nothing of the page.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$)|\$\{[^}]*\}|`[^`]*`|[A-Za-z_]\w*|\s+|./g;
const ENDS_FROM = new Set(
  "where group order having select on using limit union except intersect window lateral cluster distribute sort qualify set values".split(
    " ",
  ),
);
const BEFORE_RELATION = new Set(["from", "join", "table"]);
const TAKES_FROM = new Set(["extract", "trim", "substring", "overlay"]);
const isSpace = (token) => /^(\s|--|\/\*)/.test(token);
const isName = (token) => /^[`A-Za-z_]/.test(token ?? "");
const bare = (token) => (token.startsWith("`") ? token.slice(1, -1) : token).toLowerCase();

/** `sql` with every use of the view `from` called `to`; the same text where it is not used, or where WITH gives the name to something else. */
export function renamedInSql(sql, from, to) {
  const tokens = sql.match(TOKEN) ?? [];
  const solid = tokens.map((token, place) => ({ token, place })).filter(({ token }) => !isSpace(token));
  if (solid.some(({ token }, at) => isName(token) && bare(token) === from.toLowerCase() && isMadeByWith(solid, at))) return sql;
  const relations = relationPlaces(solid);
  const aliased = solid.some(({ token }, at) => isName(token) && bare(token) === from.toLowerCase() && isAlias(solid, at, relations));
  solid.forEach(({ token, place }, at) => {
    if (!isName(token) || bare(token) !== from.toLowerCase()) return;
    const isRelation = relations.has(at);
    const isPrefix = solid[at + 1]?.token === "." && solid[at - 1]?.token !== "." && !aliased;
    if (isRelation || isPrefix) tokens[place] = token.startsWith("`") ? `\`${to}\`` : to;
  });
  return tokens.join("");
}

const isMadeByWith = (solid, at) => solid[at + 1]?.token.toLowerCase() === "as" && solid[at + 2]?.token === "(";

/** Places of names that stand where a view is read: behind FROM or JOIN, or behind a comma of such a list. */
function relationPlaces(solid) {
  const found = new Set();
  const open = [];
  let inFrom = false;
  let expects = false;
  solid.forEach(({ token }, at) => {
    const word = token.toLowerCase();
    if (token === "(") {
      open.push({ inFrom, call: solid[at - 1]?.token.toLowerCase() ?? "" });
      inFrom = false;
    } else if (token === ")") {
      inFrom = open.pop()?.inFrom ?? false;
      expects = false;
    } else if (BEFORE_RELATION.has(word) && !TAKES_FROM.has(open.at(-1)?.call)) {
      inFrom = true;
      expects = true;
    } else if (ENDS_FROM.has(word)) {
      inFrom = false;
      expects = false;
    } else if (token === "," && inFrom) expects = true;
    else if (expects && isName(token)) {
      found.add(at);
      expects = false;
    }
  });
  return found;
}

/** FROM raw flights: the name behind a relation (with or without AS) is what the query calls it. */
function isAlias(solid, at, relations) {
  const before = solid[at - 1]?.token.toLowerCase() === "as" ? at - 2 : at - 1;
  return relations.has(before) && !relations.has(at);
}

/** `stages` after stage `index` calls its view `to` instead of `from`, and how many stages were changed by that besides. A stage that makes
 * the old name anew ends its reach. `viewFields(stage)` and `sqlField(stage)` name the fields that hold views and SQL. */
export function renamedUses(stages, index, from, to, { viewFields, sqlField }) {
  const changed = [...stages];
  let uses = 0;
  for (let place = index + 1; place < stages.length; place += 1) {
    const stage = stages[place];
    const after = { ...stage };
    for (const name of viewFields(stage)) after[name] = renamedInField(stage[name], from, to);
    const sql = sqlField(stage);
    if (sql && typeof stage[sql] === "string") after[sql] = renamedInSql(stage[sql], from, to);
    if (JSON.stringify(after) !== JSON.stringify(stage)) {
      changed[place] = after;
      uses += 1;
    }
    if (stage.outputView === from) break;
  }
  return { stages: changed, uses };
}

function renamedInField(value, from, to) {
  if (Array.isArray(value)) return value.map((item) => (item === from ? to : item));
  return value === from ? to : value;
}
