// The classes of Tabler that our pages use. All else is left out of static/vendor/tabler.css; a test names a class that is used but not kept.
export const keptClasses = [
  "form-check",
  "form-check-input",
  "form-control",
  "form-select",
  "form-switch",
  "input-icon",
  "visually-hidden",
  "visually-hidden-focusable",
];
