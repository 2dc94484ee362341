// The parts of Tabler that Sluice uses, as class-name patterns. All else is left out of static/vendor/tabler.css.
export const keptClasses = [
  /^(tblr|data-bs-theme|theme-)/,
  /^(form|input|was-validated|valid|invalid|is-valid|is-invalid|col-form)(-|$)/,
  /^(alert|badge|progress|avatar|spinner|status|list-group|datagrid|placeholder)(-|$)/,
  /^(d|m|mt|mb|ms|me|mx|my|p|pt|pb|ps|pe|px|py|g|gap|row-gap|column-gap)-(sm|md|lg)?-?(0|1|2|3|4|5|auto|none|block|inline|flex|grid|inline-block|inline-flex)$/,
  /^(flex|justify-content|align-items|align-self|order)-(fill|row|column|wrap|nowrap|grow-1|shrink-0|start|end|center|between|baseline|stretch|first|last)$/,
  /^(text)-(start|end|center|nowrap|wrap|break|truncate|uppercase|lowercase|decoration-none|reset)$/,
  /^(w|h|mw|mh)-(25|50|75|100|auto)$/,
  /^(overflow|position)-/,
  /^(visually-hidden|visually-hidden-focusable|user-select-none|font-monospace|list-unstyled)$/,
  /^(active|disabled|show|focus|readonly|checked|required)$/,
];
