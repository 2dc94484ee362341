// Spark SQL for CodeMirror: the keywords of its queries, its functions (as Spark 4.2 lists them) and Sluice's ${parameters}.
import { SQLDialect, sql } from "@codemirror/lang-sql";
import { Decoration, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import functionList from "./spark_functions.txt";
import keywordList from "./spark_keywords.txt";

const lines = (text) => text.split("\n").filter(Boolean);
const TYPES = [
  "array bigint binary boolean byte char date decimal double float int integer interval long",
  "map numeric real short smallint string struct timestamp timestamp_ltz timestamp_ntz tinyint varchar variant void",
].flatMap((names) => names.split(" "));
/** Words Spark lists as functions (operators) or as free names, that read as syntax. */
const SYNTAX =
  "and or not in is like ilike rlike regexp between case when then else end div left right true false null distinct exists".split(" ");

/** Names of Spark's built-in functions, lower case. */
export const sparkFunctions = lines(functionList).filter(
  (name) => !SYNTAX.includes(name) || ["left", "right", "like", "exists"].includes(name),
);
/** Keywords of queries, lower case, without those that are only a type or a function and so may well be a column (day, year, count …).
 * What Spark lists beside (source, target, items, x …) queries have as names: an alias is then one whose columns are offered. */
export const sparkKeywords = [
  ...new Set([...lines(keywordList).filter((word) => !TYPES.includes(word) && !sparkFunctions.includes(word)), ...SYNTAX]),
];

/** Functions are not “builtin” words here: `day` is a function only before a bracket (see functionHighlight), else mostly a column. */
export const SparkSQL = SQLDialect.define({
  keywords: sparkKeywords.join(" "),
  builtin: "",
  types: TYPES.filter((name) => name !== "date").join(" "),
  backslashEscapes: true,
  doubleQuotedStrings: true,
  operatorChars: "*+-%<>!=&|~^/",
  specialVar: "$",
  identifierQuotes: "`",
  caseInsensitiveIdentifiers: true,
});

const known = new Set(sparkFunctions);

function marks(regexp, classOf) {
  const matcher = new MatchDecorator({
    regexp,
    decorate: (add, from, _to, match) => {
      const name = classOf(match);
      if (name) add(from, from + match[0].length, Decoration.mark({ class: name }));
    },
  });
  return ViewPlugin.fromClass(
    class {
      constructor(view) {
        this.decorations = matcher.createDeco(view);
      }
      update(update) {
        this.decorations = matcher.updateDeco(update, this.decorations);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );
}

/** Marks ${name} anywhere, in SQL as in JSON. */
export const parameterHighlight = marks(/\$\{[^}\n]*\}/g, () => "cm-parameter");
/** Marks a known function's name before its bracket. */
export const functionHighlight = marks(/\b[a-z_]\w*(?=\s*\()/gi, ([name]) => known.has(name.toLowerCase()) && "cm-function");

/** Completion of Spark's functions; a page that knows signatures may use its own source instead. */
export function sparkFunctionSource(context) {
  const word = context.matchBefore(/\w+$/);
  if (!word && !context.explicit) return null;
  if (word && context.state.sliceDoc(word.from - 1, word.from) === ".") return null;
  return { from: word ? word.from : context.pos, validFor: /^\w*$/, options: FUNCTION_OPTIONS };
}
const FUNCTION_OPTIONS = sparkFunctions.map((name) => ({ label: name, type: "function", detail: "()", boost: -1, apply: applyCall }));

/** Puts the cursor between the brackets. */
function applyCall(view, completion, from, to) {
  const insert = `${completion.label}()`;
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length - 1 }, userEvent: "input.complete" });
}

/** Everything for an SQL field: language, completion of keywords, functions and `schema` ({view: [columns]}), highlighting of functions and parameters. */
export function sparkSql({ functions = sparkFunctionSource, ...config } = {}) {
  const support = sql({ dialect: SparkSQL, upperCaseKeywords: true, ...config });
  return [support, support.language.data.of({ autocomplete: functions }), functionHighlight, parameterHighlight];
}

/** Fills `element` with `code` as coloured text nodes (classes tok-keyword, tok-string …), for SQL that is only shown. */
export function highlightSql(element, code) {
  element.replaceChildren();
  highlightCode(
    code,
    SparkSQL.language.parser.parse(code),
    classHighlighter,
    (text, classes) => put(element, text, classes),
    () => put(element, "\n", ""),
  );
}

function put(element, text, classes) {
  const pieces =
    classes.includes("keyword") || classes.includes("string") || classes.includes("comment") ? [text] : text.split(/(\$\{[^}\n]*\})/);
  for (const piece of pieces.filter(Boolean)) {
    const span = document.createElement("span");
    const name = piece.startsWith("${")
      ? "tok-parameter"
      : known.has(piece.toLowerCase()) && !classes.includes("keyword")
        ? "tok-function"
        : classes;
    if (name) span.className = name;
    span.textContent = piece;
    element.append(span);
  }
}
