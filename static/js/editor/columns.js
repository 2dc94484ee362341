// The schema of a typing stage as a table: name, type, may be empty, and what that type needs besides (as the stage itself describes it).
import { el, icon } from "../dom.js";

const LISTS = new Set(["trueValues", "falseValues", "formatters", "nullableValues"]);
const NUMBERS = new Set(["precision", "scale", "minLength", "maxLength"]);
const STARTS = { precision: 18, scale: 2, trueValues: ["true"], falseValues: ["false"], timezoneId: "UTC", encoding: "base64" };
const FORMATS = { date: ["uuuu-MM-dd"], timestamp: ["uuuu-MM-dd HH:mm:ss"], time: ["HH:mm:ss"] };
const COMMON = new Set(["id", "name", "description", "metadata", "nullable", "nullableValues"]);
const NESTED = new Set(["struct", "array"]);

/** Of `item` (column type → its fields): what a type must have beside the common fields, with a value to begin with. */
function needsOf(item, type) {
  const needed = (item[type] ?? []).filter((field) => field.required && !COMMON.has(field.name));
  return Object.fromEntries(needed.map((field) => [field.name, STARTS[field.name] ?? FORMATS[type] ?? field.choices[0] ?? ""]));
}

const beginning = (field) => (field.widget === "switch" ? true : LISTS.has(field.name) ? [""] : NUMBERS.has(field.name) ? 1 : "");

/** What stays of a column when its type becomes another one: its name, its emptiness, and the new type's own fields. */
function retyped(item, column, type) {
  const { name, description, id, nullable = true, trim, nullableValues, nullReplacementValue } = column;
  const kept = Object.fromEntries(
    Object.entries({ id, name, description, type, nullable, trim, nullableValues, nullReplacementValue }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  return { ...kept, ...structuredClone(needsOf(item, type)) };
}

/** help.takeInput (where there is one): resolves to { schema, words }, the columns and types of the stage's input. */
export function columnsTable(field, value, change, { takeInput } = {}) {
  let columns = Array.isArray(value) ? value : [];
  const { item } = field;
  const types = Object.keys(item).filter((type) => !NESTED.has(type));
  const body = el("tbody");
  const head = el(
    "thead",
    {},
    el(
      "tr",
      {},
      el("th", { scope: "col" }, el("span", { class: "visually-hidden" }, "Place")),
      ["Name", "Type", "May be empty", "Means empty", "Besides"].map((word) => el("th", { scope: "col" }, word)),
      el("th", { scope: "col" }, el("span", { class: "visually-hidden" }, "Take out")),
    ),
  );
  const told = (next) => {
    columns = next;
    change(next.length ? next : undefined);
  };
  const update = (place, column) => told(columns.with(place, column));

  const set = (next) => {
    const given = Array.isArray(next) ? next : [];
    if (given === columns && body.rows.length === given.length) return;
    columns = given;
    draw();
  };
  const draw = () => body.replaceChildren(...columns.map((column, place) => row(column, place)));
  const redo = (next, focus) => {
    told(next);
    draw();
    if (focus !== undefined) body.rows[focus]?.querySelector("input")?.focus();
  };

  function row(column, place) {
    const input = (name, label, className = "") =>
      cell(
        columns[place],
        name,
        label,
        (next) => {
          const { [name]: _, ...rest } = columns[place];
          update(place, next === undefined ? rest : { ...columns[place], [name]: next });
        },
        className,
      );
    const type = el(
      "select",
      { class: "form-select", "aria-label": "Type", onchange: () => redo(columns.with(place, retyped(item, columns[place], type.value))) },
      [...types, ...(types.includes(column.type) ? [] : [column.type])].map((name) =>
        el("option", { value: name, selected: name === column.type }, String(name)),
      ),
    );
    const nullable = el("input", {
      type: "checkbox",
      class: "form-check-input",
      checked: column.nullable !== false,
      "aria-label": `${column.name ?? "column"} may be empty`,
      onchange: () => update(place, { ...columns[place], nullable: nullable.checked }),
    });
    const own = (item[column.type] ?? []).filter((one) => !COMMON.has(one.name) && one.widget !== "columns" && one.widget !== "map");
    const isShown = (one) => one.required || column[one.name] !== undefined;
    const check = (one) => {
      const box = el("input", {
        type: "checkbox",
        class: "form-check-input",
        checked: Boolean(column[one.name]),
        onchange: () => update(place, { ...columns[place], [one.name]: box.checked }),
      });
      return box;
    };
    const besides = own
      .filter(isShown)
      .map((one) =>
        el(
          "label",
          { class: "besides", title: one.help },
          el("span", { class: "mut" }, one.label),
          one.widget === "switch" ? check(one) : input(one.name, one.label),
        ),
      );
    const rest = own.filter((one) => !isShown(one));
    const rule = rest.length
      ? el(
          "select",
          {
            class: "form-select rule",
            "aria-label": "Add a rule",
            onchange: () =>
              redo(columns.with(place, { ...columns[place], [rule.value]: beginning(rest.find((one) => one.name === rule.value)) })),
          },
          el("option", { value: "" }, "+"),
          rest.map((one) => el("option", { value: one.name }, one.label)),
        )
      : null;
    const move = (step) => {
      const to = place + step;
      if (to >= 0 && to < columns.length) redo(columns.toSpliced(place, 1).toSpliced(to, 0, columns[place]), to);
    };
    const tr = el(
      "tr",
      {
        onkeydown: (event) => {
          const step = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (step) {
            event.preventDefault();
            event.stopPropagation();
            move(step);
          }
        },
      },
      el("td", { class: "mut num" }, String(place + 1)),
      el("td", {}, input("name", "Name", "mono")),
      el("td", {}, type),
      el("td", { class: "center" }, nullable),
      el("td", {}, input("nullableValues", "Texts that mean no value")),
      el("td", {}, el("span", { class: "flow tight nowrap" }, besides, rule)),
      el(
        "td",
        {},
        el(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": `Take ${column.name ?? "the column"} out`,
            onclick: () => redo(columns.toSpliced(place, 1)),
          },
          icon("x"),
        ),
      ),
    );
    return tr;
  }

  const add = el(
    "button",
    {
      type: "button",
      class: "btn sm",
      onclick: () => redo([...columns, { name: "", type: "string", nullable: true, nullableValues: [""] }], columns.length),
    },
    icon("plus"),
    "Add a column",
  );
  const paste = el(
    "button",
    { type: "button", class: "btn sm", title: "The first line of the file: names with commas between them", onclick: () => fromHeader() },
    icon("clipboard-check"),
    "Names from a header line",
  );
  const header = el("input", {
    class: "form-control mono",
    hidden: true,
    placeholder: "year,month,day,carrier",
    "aria-label": "Header line",
    onkeydown: (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        takeHeader();
      }
    },
    onchange: () => takeHeader(),
  });
  const fromHeader = () => {
    header.hidden = false;
    header.focus();
  };
  function takeHeader() {
    const names = header.value
      .split(/[,;\t|]/)
      .map((name) => name.trim().replace(/^"|"$/g, ""))
      .filter(Boolean);
    header.value = "";
    header.hidden = true;
    if (names.length) redo([...columns, ...names.map((name) => ({ name, type: "string", nullable: true, nullableValues: [""] }))]);
  }

  const take = takeInput
    ? el(
        "button",
        { type: "button", class: "btn sm", onclick: () => takeFromInput() },
        icon("wand"),
        "Take the columns and types of the input",
      )
    : null;
  const said = el("span", { class: "mut", role: "status" });
  async function takeFromInput() {
    if (take.hasAttribute("aria-busy")) return;
    take.setAttribute("aria-busy", "true");
    said.textContent = "Looking at the input …";
    try {
      const { schema, words } = await takeInput();
      redo(schema);
      said.textContent = `${schema.length} columns, ${words}. Ctrl+Z brings the old ones back.`;
    } catch (error) {
      said.textContent = error.message;
    }
    take.removeAttribute("aria-busy");
  }

  draw();
  return {
    node: el(
      "div",
      { class: "columns-field" },
      el("div", { class: "scroll-x" }, el("table", { class: "plain" }, head, body)),
      el("div", { class: "flow tight" }, take, add, paste, header, said),
    ),
    input: add,
    set,
  };
}

/** One field of a column; lists are shown with | between their items, as formats may hold commas. */
function cell(column, name, label, change, className = "") {
  const value = column[name];
  const shown = LISTS.has(name)
    ? Array.isArray(value)
      ? value.map((item) => (item === "" ? "“”" : item)).join(" | ")
      : ""
    : (value ?? "");
  const read = (text) => {
    if (LISTS.has(name))
      return text.trim() === ""
        ? undefined
        : text
            .split("|")
            .map((item) => item.trim())
            .map((item) => (item === "“”" || item === '""' ? "" : item));
    if (NUMBERS.has(name)) return /^\d+$/.test(text) ? Number(text) : text || undefined;
    return text;
  };
  const input = el("input", {
    class: `form-control ${className}`,
    value: String(shown),
    "aria-label": label,
    title: label,
    autocomplete: "off",
    spellcheck: "false",
    size: NUMBERS.has(name) ? 3 : null,
  });
  input.addEventListener("input", () => change(read(input.value)));
  return input;
}
