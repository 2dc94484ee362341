// Spark SQL for CodeMirror: its keywords and functions (as Spark 4.2 lists them) and Sluice's ${parameters}.
import { SQLDialect } from "@codemirror/lang-sql";
import { Decoration, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { highlightCode, classHighlighter } from "@lezer/highlight";
import functionList from "./spark_functions.txt";
import keywordList from "./spark_keywords.txt";

const lines = (text) => text.split("\n").filter(Boolean);
const types = "array bigint binary boolean byte char date decimal double float int integer interval long map numeric real short smallint string struct timestamp timestamp_ltz timestamp_ntz tinyint varchar variant void";

/** Names of Spark's built-in functions, lower case. */
export const sparkFunctions = lines(functionList);
/** Spark's keywords that are not also functions or types, lower case. */
export const sparkKeywords = lines(keywordList).filter((word) => !types.split(" ").includes(word));

export const SparkSQL = SQLDialect.define({
  keywords: sparkKeywords.filter((word) => !sparkFunctions.includes(word) || ["and", "or", "not", "in", "like", "between", "case", "when", "is", "if", "left", "right", "exists", "distinct"].includes(word)).join(" ") + " true false null",
  builtin: sparkFunctions.join(" "),
  types,
  backslashEscapes: true,
  doubleQuotedStrings: true,
  hashComments: false,
  operatorChars: "*+-%<>!=&|~^/",
  specialVar: "$",
  identifierQuotes: "`",
  caseInsensitiveIdentifiers: true,
});

const parameters = new MatchDecorator({ regexp: /\$\{[^}\n]*\}/g, decoration: Decoration.mark({ class: "cm-parameter" }) });

/** Marks ${name} anywhere, in SQL as in JSON. */
export const parameterHighlight = ViewPlugin.fromClass(
  class {
    constructor(view) { this.decorations = parameters.createDeco(view); }
    update(update) { this.decorations = parameters.updateDeco(update, this.decorations); }
  },
  { decorations: (plugin) => plugin.decorations },
);

/** Fills `element` with `code` as coloured text nodes (classes tok-keyword, tok-string …), for SQL that is only shown. */
export function highlightSql(element, code) {
  element.replaceChildren();
  const put = (text, classes) => {
    const span = document.createElement("span");
    if (classes) span.className = classes;
    span.textContent = text;
    element.append(span);
  };
  highlightCode(code, SparkSQL.language.parser.parse(code), classHighlighter, put, () => put("\n"));
}
