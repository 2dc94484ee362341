// What of a result a chart shows: which columns by themselves, and the series that come of it. No drawing here.
import { typeIcon } from "../result_table.js";

export const KINDS = ["line", "bar", "scatter"];
export const MOST_SERIES = 12;
const isNumber = ({ type }) => ["number", "decimal"].includes(typeIcon(type));
const isTime = ({ type }) => ["calendar", "clock"].includes(typeIcon(type));
const looksLikeAPoint = ({ name }) => /(^|_)(id|year|month|day|hour|week|number|code|key)$/i.test(name);

/** A chart that may well be meant: { kind, x, y: [names], by }, or null where no column holds numbers. */
export function proposed(columns) {
  const numbers = columns.filter(isNumber);
  if (!numbers.length) return null;
  const time = columns.find(isTime);
  const word = columns.find((column) => !isNumber(column) && !isTime(column));
  const counted = numbers.find(looksLikeAPoint);
  const x = time ?? word ?? (numbers.length > 1 ? (counted ?? numbers[0]) : null);
  const measured = numbers.filter((column) => column !== x && !looksLikeAPoint(column));
  const y = (measured.length ? measured : numbers.filter((column) => column !== x)).slice(0, 1);
  if (!y.length) return { kind: "bar", x: "", y: [numbers[0].name], by: "" };
  const kind = time || x === counted ? "line" : x && isNumber(x) ? "scatter" : "bar";
  return { kind, x: x?.name ?? "", y: y.map((column) => column.name), by: time && word ? word.name : "" };
}

/** Why there is nothing to draw: only numbers are, and a text that holds some is made one by the query. */
export function whyNone({ columns, rows }) {
  const holds = (place) => rows.some((row) => /^\s*-?[\d.,]*\d\s*$/.test(typeof row[place] === "string" ? row[place] : ""));
  const text = columns.find((column, place) => column.type === "string" && holds(place));
  const more = text && ` “${text.name}” is text. If it holds numbers, make them some in the query: try_cast(${text.name} AS DOUBLE).`;
  return `A chart needs a column of numbers, and this result has none.${more ?? ""}`;
}

/** The chart with columns that this result has, or the proposed one where it lacks what the chart shows. */
export function fitting(chart, columns) {
  const names = new Set(columns.map((column) => column.name));
  const numbers = new Set(columns.filter(isNumber).map((column) => column.name));
  const y = (chart?.y ?? []).filter((name) => numbers.has(name));
  if (!chart?.kind || !y.length || (chart.x && !names.has(chart.x))) return proposed(columns);
  return { ...chart, y, by: names.has(chart.by) ? chart.by : "" };
}

/** {series: [{ name, points: [[x, y], …] }], x: "category" | "value" | "time", notes: [sentences]}. Empty values are left out and told. */
export function seriesOf(chart, { columns, rows }) {
  const place = (name) => columns.findIndex((column) => column.name === name);
  const [x, by] = [place(chart.x), place(chart.by)];
  const groups = new Map();
  let empty = 0;
  rows.forEach((row, number) => {
    const at = x < 0 ? number + 1 : row[x];
    for (const name of chart.y) {
      const value = row[place(name)];
      const parts = by < 0 ? name : chart.y.length > 1 ? `${shown(row[by])} · ${name}` : shown(row[by]);
      if (!groups.has(parts)) groups.set(parts, []);
      if (value === null || value === undefined || at === null || at === undefined || !Number.isFinite(Number(value))) empty += 1;
      else groups.get(parts).push([at, Number(value)]);
    }
  });
  const axis = axisOf(chart, columns[x]);
  const series = [...groups].map(([name, points]) => ({ name, points: ordered(points, axis) }));
  return { series: series.slice(0, MOST_SERIES), x: axis, notes: notesOf({ chart, series, empty }) };
}

function axisOf({ kind }, column) {
  if (!column) return kind === "scatter" ? "value" : "category";
  if (isTime(column)) return "time";
  return isNumber(column) && kind !== "bar" ? "value" : "category";
}

/** Along the axis, so that a line does not run back; words stay in the order of the rows. */
function ordered(points, axis) {
  if (axis === "category") return points.map(([at, value]) => [shown(at), value]);
  const along = axis === "value" ? (one) => Number(one[0]) : (one) => momentOf(String(one[0]));
  return points.map((point) => [along(point), point[1]]).sort((one, other) => one[0] - other[0]);
}

/** As the reader's own clock would show it: a day is no moment of another zone. */
const momentOf = (text) => Date.parse(text.length === 10 ? `${text}T00:00:00` : text.replace(" ", "T"));

function notesOf({ chart, series, empty }) {
  const notes = [];
  if (series.length > MOST_SERIES) notes.push(`The first ${MOST_SERIES} of ${series.length} lines are shown.`);
  if (empty) notes.push(`${empty.toLocaleString("en-US")} empty ${empty === 1 ? "value is" : "values are"} left out.`);
  if (chart.kind !== "scatter" && series.some(({ points }) => new Set(points.map(([at]) => at)).size < points.length))
    notes.push("Some places have several rows: each is drawn for itself, nothing is summed up.");
  return notes;
}

const shown = (value) => (value === null || value === undefined ? "∅" : typeof value === "object" ? JSON.stringify(value) : String(value));
