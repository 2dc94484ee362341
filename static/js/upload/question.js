// “There is such a file already”: what to do, and who uses it.
import { dialog, el, icon, plural } from "../dom.js";

const CHOICES = {
  new_version: ["New version", "history", "the old one is kept, and can be put back"],
  replace: ["Replace", "replace", "the old one goes into the bin"],
  keep_both: ["Keep both", "copy", "this one gets another name"],
};

/** about: the refusal's body: uri, choices, used_by, free. Resolves to one of the choices, or null. */
export function askWhatToDo(about) {
  const uses = about.used_by ?? [];
  const body = (close) => [
    el("p", {}, el("b", { class: "mono" }, about.uri), " is there already."),
    uses.length
      ? el(
          "div",
          { class: "tip" },
          el("b", {}, `${plural(uses.length, "job uses", "jobs use")} it:`),
          el(
            "ul",
            {},
            uses.map((use) => el("li", {}, el("span", { class: "mono" }, use.job), ` ${use.does} it (${use.what})`)),
          ),
        )
      : el("p", { class: "mut" }, "No job reads or writes it."),
    el(
      "div",
      { class: "stack tight" },
      about.choices.map((choice) => choiceButton(choice, about, close)),
    ),
  ];
  const footer = (close) => el("button", { type: "button", class: "btn", onclick: () => close(null) }, "Do not upload");
  return dialog({ title: "What should happen?", body, footer }).then((answer) => answer ?? null);
}

function choiceButton(choice, about, close) {
  const [words, symbol, what] = CHOICES[choice];
  const said = choice === "keep_both" && about.free ? `this one becomes ${about.free}` : what;
  return el(
    "button",
    { type: "button", class: "btn choice", "data-choice": choice, autofocus: choice === about.choices[0], onclick: () => close(choice) },
    icon(symbol),
    ` ${words} `,
    el("small", { class: "mut" }, said),
  );
}
