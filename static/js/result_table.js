// Rows of a preview: type icons, a small profile of what is shown, nulls as ∅, copy with headers.
import { el, icon } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const NULL = "∅";

export const typeIcon = (type) => {
  if (/^(tiny|small|big)?int|^long|^integer/.test(type)) return "number";
  if (/^(double|float|decimal)/.test(type)) return "decimal";
  if (/^date/.test(type)) return "calendar";
  if (/^timestamp/.test(type)) return "clock";
  if (/^boolean/.test(type)) return "checkbox";
  if (/^(array)/.test(type)) return "brackets";
  if (/^(struct|map|variant)/.test(type)) return "braces";
  if (/^binary/.test(type)) return "binary";
  return "abc";
};
const isNumber = (type) => ["number", "decimal"].includes(typeIcon(type));
const shown = (cell) => (typeof cell === "object" ? JSON.stringify(cell) : String(cell));

const ERRORS = "_errors";
const TELLS_ERRORS = /^array<struct<field:string,message:string>>$/;

/** What is wrong with a row, a line for each value; null where the column is another of that name. */
export function errorWords(cell, column) {
  if (column.name !== ERRORS || !TELLS_ERRORS.test(column.type) || !Array.isArray(cell)) return null;
  return cell.map(({ field, message }) => (field && !message.includes(field) ? `${field}: ${message}` : message)).join("\n");
}

/** The same rows with what is wrong with them first. */
export function errorsFirst({ columns, rows, ...rest }) {
  const place = columns.findIndex((column) => column.name === ERRORS);
  const moved = (row) => (place < 0 ? row : [row[place], ...row.slice(0, place), ...row.slice(place + 1)]);
  return { ...rest, columns: moved(columns), rows: rows.map(moved) };
}

/** A table of `columns` and `rows` as a preview's event has them. `mend(th, column)`: what a page adds to the head of a column. */
export function resultTable({ columns, rows }, mend = (th) => th) {
  const head = el(
    "thead",
    {},
    el(
      "tr",
      {},
      columns.map((column, place) =>
        mend(
          heading(
            column,
            rows.map((row) => row[place]),
          ),
          column,
        ),
      ),
    ),
  );
  const body = el(
    "tbody",
    {},
    rows.map((row) =>
      el(
        "tr",
        {},
        row.map((cell, place) => cellOf(cell, columns[place])),
      ),
    ),
  );
  return el("table", { class: "cells result sticky-head" }, head, body);
}

function heading(column, values) {
  const number = isNumber(column.type);
  return el(
    "th",
    {
      scope: "col",
      class: number ? "num" : null,
      title: `${column.name}: ${column.type}${column.nullable === false ? ", never empty" : ""}`,
    },
    icon(typeIcon(column.type), "mut"),
    " ",
    column.name,
    el("small", { class: "mut" }, profile(values, number)),
  );
}

function cellOf(cell, column) {
  if (cell === null || cell === undefined) return el("td", { class: isNumber(column.type) ? "num null" : "null" }, NULL);
  const words = errorWords(cell, column);
  if (words !== null) return el("td", { class: "errors" }, words);
  const text = shown(cell);
  return el("td", { class: isNumber(column.type) ? "num" : null, title: text.length > 40 ? text : null }, text);
}

/** Of the rows shown: share of nulls, how many different values or from where to where, and how they are spread. */
function profile(values, number) {
  const there = values.filter((value) => value !== null && value !== undefined);
  if (!values.length) return "";
  const share = shareOf(values.length - there.length, values.length);
  const numbers = number ? there.map(Number).filter(Number.isFinite) : [];
  if (numbers.length) return [`${share} ∅ · ${brief(least(numbers))}–${brief(most(numbers))} `, spread(numbers)];
  const counts = new Map();
  for (const value of there) {
    const text = shown(value);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const commonest = [...counts.values()].sort((one, other) => other - one).slice(0, 8);
  return [`${share} ∅ · ${counts.size} different `, counts.size < there.length ? picture(commonest) : null];
}

/** In whole percent; none and all are said where they are, and not where it is nearly so. */
export function shareOf(part, all) {
  if (part === 0 || part === all) return part === 0 ? "0 %" : "100 %";
  return `${Math.min(99, Math.max(1, Math.round((100 * part) / all)))} %`;
}

const least = (numbers) => numbers.reduce((one, other) => Math.min(one, other), Infinity);
const most = (numbers) => numbers.reduce((one, other) => Math.max(one, other), -Infinity);

/** A number on little room: as it is when it is whole; large ones without their decimals, others with two, small ones with three digits that
 * tell something. */
export function brief(value) {
  if (Math.abs(value) >= 1000 || Number.isInteger(value)) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  const digits = Math.abs(value) >= 1 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString("en-US", digits);
}

function spread(numbers) {
  const [low, high] = [least(numbers), most(numbers)];
  if (low === high) return null;
  const bins = Array(8).fill(0);
  for (const value of numbers) bins[Math.min(7, Math.floor((8 * (value - low)) / (high - low)))] += 1;
  return picture(bins);
}

function picture(counts) {
  const top = Math.max(...counts);
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "spark", width: counts.length * 5 - 1, height: 10, "aria-hidden": "true" }))
    svg.setAttribute(name, value);
  counts.forEach((count, place) => {
    const height = Math.max(1, (10 * count) / top);
    const bar = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: place * 5, y: 10 - height, width: 4, height })) bar.setAttribute(name, value);
    svg.append(bar);
  });
  return svg;
}

/** Tab-separated with a header line, for spreadsheets; what a spreadsheet would take for a formula stays text. */
export function asTabs({ columns, rows }) {
  const plain = (cell) =>
    cell === null || cell === undefined
      ? ""
      : shown(cell)
          .replace(/[\t\r\n]+/g, " ")
          .replace(/^(?=[=+@]|-(?![\d.]))/, "'");
  return [columns.map((column) => plain(column.name)), ...rows.map((row) => row.map(plain))].map((line) => line.join("\t")).join("\n");
}
