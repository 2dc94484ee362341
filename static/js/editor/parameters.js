// Parameters of the job: chips beside the stage, a table to declare them, and the values a run needs.
import { dialog, el, icon } from "../dom.js";

const WORDS = {
  string: "text",
  integer: "whole number",
  decimal: "number",
  boolean: "true or false",
  date: "date",
  timestamp: "date and time",
  identifier: "view or column name",
  secret: "secret, set in each environment",
};

/** The chips; they follow the document by themselves. */
export function parameterChips(store, types) {
  const node = el("span", { class: "flow tight parameters" });
  const draw = () =>
    node.replaceChildren(
      ...Object.entries(store.parameters)
        .slice(0, 6)
        .map(([name, declared]) =>
          el(
            "button",
            { type: "button", class: "chip mono", onclick: () => declare(store, types) },
            `${name}${declared?.default === undefined || declared?.default === null ? "" : ` = ${declared.default}`}`,
          ),
        ),
      el(
        "button",
        { type: "button", class: "btn ghost sm", title: "Parameters of the job", onclick: () => declare(store, types) },
        icon("variable"),
        Object.keys(store.parameters).length ? "" : "Parameters",
        el("span", { class: "visually-hidden" }, "Edit parameters"),
      ),
    );
  store.addEventListener("change", (event) => {
    if (["parameters", "all"].includes(event.detail.what) && node.isConnected) draw();
  });
  draw();
  return node;
}

export async function declare(store, types) {
  const rows = Object.entries(store.parameters).map(([name, declared]) => ({ name, declared: { ...declared } }));
  const answer = await dialog({
    title: "Parameters",
    wide: true,
    body: () => [
      el(
        "p",
        { class: "mut" },
        "A parameter is written ",
        el("code", {}, "${name}"),
        " in SQL and in fields. Whoever starts a run gives its value, or the default is used; an environment may set its own.",
      ),
      table(rows, types),
    ],
    footer: (close) => [
      el("button", { type: "button", class: "btn", onclick: () => close() }, "Cancel"),
      el("button", { type: "button", class: "btn primary", onclick: () => close("take") }, "Use these"),
    ],
  });
  if (answer === "take")
    store.setParameters(Object.fromEntries(rows.filter((row) => row.name.trim()).map((row) => [row.name.trim(), row.declared])));
}

function table(rows, types) {
  const body = el("tbody");
  const draw = () =>
    body.replaceChildren(
      ...rows.map((row) =>
        parameterRow(row, types, () => {
          rows.splice(rows.indexOf(row), 1);
          draw();
        }),
      ),
    );
  const add = el(
    "button",
    {
      type: "button",
      class: "btn sm",
      onclick: () => {
        rows.push({ name: "", declared: { type: "string" } });
        draw();
        body.lastElementChild.querySelector("input").focus();
      },
    },
    icon("plus"),
    "Add a parameter",
  );
  draw();
  return el(
    "div",
    { class: "stack tight" },
    el(
      "div",
      { class: "scroll-x" },
      el(
        "table",
        { class: "plain" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ["Name", "Type", "Default", "Label", ""].map((word) => el("th", { scope: "col" }, word)),
          ),
        ),
        body,
      ),
    ),
    el("div", {}, add),
  );
}

function parameterRow(row, types, remove) {
  const set = (key, value) => {
    if (value === "" || value === undefined) delete row.declared[key];
    else row.declared[key] = value;
  };
  const type = el(
    "select",
    {
      class: "form-select",
      "aria-label": "Type",
      onchange: () => {
        row.declared.type = type.value;
        keepOut();
        set("default", typed(preset.value, type.value));
      },
    },
    types.map((name) => el("option", { value: name, selected: name === row.declared.type }, WORDS[name] ?? name)),
  );
  const preset = el("input", {
    class: "form-control mono",
    "aria-label": "Default",
    value: row.declared.default ?? "",
    oninput: () => set("default", typed(preset.value, type.value)),
  });
  // A secret has no value in a job.
  const keepOut = () => {
    preset.disabled = type.value === "secret";
    if (preset.disabled) preset.value = "";
  };
  preset.disabled = type.value === "secret";
  const name = el("input", {
    class: "form-control mono",
    "aria-label": "Name",
    value: row.name,
    spellcheck: "false",
    oninput: () => {
      row.name = name.value;
    },
  });
  const label = el("input", {
    class: "form-control",
    "aria-label": "Label",
    value: row.declared.label ?? "",
    oninput: () => set("label", label.value),
  });
  return el(
    "tr",
    {},
    [
      name,
      type,
      preset,
      label,
      el("button", { type: "button", class: "icon-button", "aria-label": `Take ${row.name || "it"} out`, onclick: remove }, icon("x")),
    ].map((node) => el("td", {}, node)),
  );
}

/** What was typed, as JSON of that type where it fits; otherwise the text, which the check then explains. */
export function typed(text, type) {
  if (text === "") return undefined;
  if (type === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (type === "boolean" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return text;
}

/** The values for a run: asked only for parameters without a default; undefined when the person goes back. */
export async function valuesForRun(parameters) {
  const missing = Object.entries(parameters).filter(
    ([, declared]) => declared?.type !== "secret" && (declared?.default === undefined || declared?.default === null),
  );
  if (!missing.length) return {};
  const values = {};
  const answer = await dialog({
    title: "Values for this run",
    body: () =>
      missing.map(([name, declared], place) => {
        const input = el("input", {
          class: "form-control mono",
          id: `value-${name}`,
          autofocus: place === 0,
          oninput: () => {
            values[name] = typed(input.value, declared.type);
          },
        });
        return el(
          "div",
          { class: "field" },
          el("label", { for: `value-${name}` }, declared.label ?? name),
          input,
          el("span", { class: "hint" }, [name, WORDS[declared.type]].filter(Boolean).join(" · ")),
        );
      }),
    footer: (close) => [
      el("button", { type: "button", class: "btn", onclick: () => close() }, "Not yet"),
      el("button", { type: "button", class: "btn primary", onclick: () => close("run") }, icon("player-play"), "Run"),
    ],
  });
  return answer === "run" ? values : undefined;
}
