// One input for each kind of field. Each is made by make(field, value, change, help) and gives { node, input, set(value) }.
// `change(undefined)` takes the field out of the document, so that an empty field is one nobody filled in.

import { el, icon } from "../dom.js";
import { columnsTable } from "./columns.js";

const asText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

function line(field, value, change, extra = {}) {
  const shown = field.default === null || field.default === undefined || typeof field.default === "object" ? "" : String(field.default);
  const input = el("input", {
    class: "form-control",
    type: "text",
    value: asText(value),
    placeholder: shown,
    autocomplete: "off",
    spellcheck: "false",
    ...extra,
  });
  input.addEventListener("input", () => change(input.value === "" && !field.required ? undefined : input.value));
  return {
    node: input,
    input,
    set: (next) => {
      if (input.value !== asText(next)) input.value = asText(next);
    },
  };
}

function text(field, value, change) {
  return line(field, value, change);
}

function code(field, value, change) {
  return line(field, value, change, { class: "form-control mono" });
}

/** A number, or ${parameter}, which is a text until it is filled in. */
function number(field, value, change) {
  const read = (text) => (/^-?\d+$/.test(text) ? Number(text) : text);
  const made = line(field, value, (next) => change(next === undefined || next === "" ? undefined : read(next)), {
    inputmode: "numeric",
    class: "form-control mono",
  });
  return made;
}

/** A name to choose from what is there (views, files, connections); anything else may be typed. What there is may come bit by bit. */
function suggested(field, value, change, { suggestions, id }) {
  const list = el("datalist", { id: `${id}-list` });
  const made = line(field, value, change, { class: "form-control mono", list: list.id });
  const fill = () =>
    list.replaceChildren(
      ...suggestions(field, made.input.value, fill).map(({ name, words }) => el("option", { value: name, label: words })),
    );
  made.input.addEventListener("focus", fill);
  made.input.addEventListener("input", fill);
  fill();
  return { ...made, node: el("span", { class: "suggested" }, made.input, list) };
}

function choice(field, value, change) {
  const known = field.choices ?? [];
  const select = el("select", { class: "form-select" });
  const fill = (current) => {
    const options = known.map((one) => el("option", { value: one }, one === field.default ? `${one} (usual)` : one));
    if (current !== undefined && !known.includes(current)) options.unshift(el("option", { value: asText(current) }, asText(current)));
    select.replaceChildren(...options);
    select.value = asText(current ?? field.default ?? known[0]);
  };
  fill(value);
  select.addEventListener("change", () => change(select.value === field.default ? undefined : select.value));
  return { node: select, input: select, set: fill };
}

function toggle(field, value, change) {
  const box = el("input", { class: "form-check-input", type: "checkbox", role: "switch", checked: Boolean(value ?? field.default) });
  box.addEventListener("change", () => change(box.checked === Boolean(field.default) ? undefined : box.checked));
  return {
    node: el("label", { class: "form-check form-switch" }, box, el("span", {}, field.label)),
    input: box,
    labelled: true,
    set: (next) => {
      box.checked = Boolean(next ?? field.default);
    },
  };
}

/** Words, one a line in the document, with commas between them here. */
function list(_field, value, change) {
  const shown = (items) => (Array.isArray(items) ? items.join(", ") : asText(items));
  const input = el("input", {
    class: "form-control mono",
    type: "text",
    value: shown(value),
    placeholder: "one, two, three",
    autocomplete: "off",
    spellcheck: "false",
  });
  input.addEventListener("input", () => {
    const items = input.value
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean);
    change(items.length ? items : undefined);
  });
  return {
    node: input,
    input,
    set: (next) => {
      if (document.activeElement !== input) input.value = shown(next);
    },
  };
}

/** One switch for each environment; none chosen means everywhere. */
function environments(field, value, change, { environments: known }) {
  const names = new Set([...known, ...(Array.isArray(value) ? value.map(String) : [])]); // also one that does not exist: it must be seen to be taken out
  const boxes = [...names].map((name) => el("input", { type: "checkbox", class: "form-check-input", value: name }));
  const set = (chosen) =>
    boxes.forEach((box) => {
      box.checked = Array.isArray(chosen) && chosen.includes(box.value);
    });
  set(value);
  const told = () => {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    change(chosen.length ? chosen : undefined);
  };
  for (const box of boxes) box.addEventListener("change", told);
  const node = el(
    "span",
    { class: "flow", role: "group", "aria-label": field.label },
    boxes.map((box) => el("label", { class: "form-check" }, box, el("span", {}, box.value))),
  );
  return { node, input: boxes[0], set };
}

/** Names and values, a row each. */
function map(_field, value, change) {
  const body = el("tbody");
  const rows = () => [...body.rows].map((row) => [...row.querySelectorAll("input")].map((input) => input.value));
  const told = () => {
    const pairs = rows().filter(([name]) => name.trim());
    change(pairs.length ? Object.fromEntries(pairs) : undefined);
  };
  const row = (name = "", item = "") =>
    el(
      "tr",
      {},
      el("td", {}, el("input", { class: "form-control mono", value: name, "aria-label": "Name", oninput: told })),
      el("td", {}, el("input", { class: "form-control mono", value: asText(item), "aria-label": "Value", oninput: told })),
      el(
        "td",
        {},
        el(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": "Take out",
            onclick: (event) => {
              event.currentTarget.closest("tr").remove();
              told();
            },
          },
          icon("x"),
        ),
      ),
    );
  const set = (next) => {
    if (!body.contains(document.activeElement))
      body.replaceChildren(...Object.entries(next && typeof next === "object" ? next : {}).map(([name, item]) => row(name, item)));
  };
  set(value);
  const add = el(
    "button",
    {
      type: "button",
      class: "btn sm",
      onclick: () => {
        const made = row();
        body.append(made);
        made.querySelector("input").focus();
      },
    },
    icon("plus"),
    "Add",
  );
  return { node: el("div", { class: "map-field" }, el("table", { class: "plain" }, body), add), input: add, set };
}

const KINDS = {
  text,
  sql: code,
  "new-view": code,
  number,
  view: suggested,
  uri: suggested,
  connection: suggested,
  table: suggested,
  choice,
  switch: toggle,
  list,
  environments,
  map,
  columns: columnsTable,
};

/** The input for a field of a stage, by its widget word; a word nobody knows is a line of text. */
export function widget(field, value, change, help) {
  const kind = field.choices?.length && field.widget !== "switch" ? choice : (KINDS[field.widget] ?? text);
  return kind(field, value, change, help);
}
