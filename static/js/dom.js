// Elements made of data. Children that are text become text nodes, so a name or a cell can never be markup.

const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "hidden", "tabIndex", "readOnly"]);

/** el("button", { class: "btn", onclick: save }, icon("plus"), "Add"). Children may be nested lists; null and false are left out. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Decoration; the word beside it carries the meaning. */
export function icon(name, tone = "") {
  return el("i", { class: `ti ti-${name} ${tone}`.trim(), "aria-hidden": "true" });
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;

/** Calls `work` once `wait` milliseconds have passed without another call. */
export function debounced(work, wait) {
  let timer = null;
  const call = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      work(...values);
    }, wait);
  };
  call.cancel = () => {
    clearTimeout(timer);
    timer = null;
  };
  call.isWaiting = () => timer !== null;
  return call;
}

/** A modal dialog of our own; resolves to what its `close(value)` was called with, undefined when it was dismissed. */
export function dialog({ title, wide = false, body, footer }) {
  const box = el("dialog", { class: `dialog${wide ? " wide" : ""}`, "aria-label": title });
  return new Promise((resolve) => {
    let answer;
    const close = (value) => {
      answer = value;
      box.close();
    };
    const cross = el("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => close(undefined) }, icon("x"));
    box.append(
      el("header", {}, el("h2", {}, title), cross),
      el("div", { class: "in" }, body(close, box)),
      el("footer", {}, footer(close, box)),
    );
    box.addEventListener("close", () => {
      box.remove();
      resolve(answer);
    });
    document.body.append(box);
    box.showModal();
    (box.querySelector("[autofocus]") ?? box.querySelector("footer .primary"))?.focus();
  });
}
