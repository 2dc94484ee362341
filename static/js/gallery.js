// The gallery's editor: every visible part of CodeMirror at once, so that the look and the CSP can be judged.
import {
  basicSetup,
  EditorState,
  EditorView,
  highlightSql,
  lintGutter,
  openSearchPanel,
  setDiagnostics,
  sparkFunctions,
  sparkSql,
} from "../vendor/codemirror.js";
import { MergeView } from "../vendor/codemirror_merge.js";

const before = [
  "SELECT f.origin, make_date(f.year, f.month, f.day) AS day,",
  "       count(*) AS flights,",
  "       avg(coalesce(f.dep_delay, 0)) AS mean_delay,",
  "       max(w.wind_sped) AS max_wind -- of the hour",
  "FROM flights_typed f",
  "LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour",
  "WHERE f.carrier = 'UA' AND f.year = ${year} AND f.month < 7",
  "GROUP BY f.origin, day",
].join("\n");
const after = before.replace("coalesce(f.dep_delay, 0)", "f.dep_delay");
const language = () => sparkSql({ schema: { flights_typed: ["origin", "year", "dep_delay"], weather: ["origin", "wind_speed"] } });

const view = new EditorView({
  parent: document.getElementById("g-code"),
  state: EditorState.create({
    doc: before,
    extensions: [basicSetup, language(), lintGutter(), EditorView.contentAttributes.of({ "aria-label": "SQL of daily_delays" })],
  }),
});
const at = before.indexOf("wind_sped");
view.dispatch(
  setDiagnostics(view.state, [
    {
      from: at,
      to: at + 9,
      severity: "error",
      message: "No column “wind_sped” in weather. Did you mean wind_speed?",
      actions: [{ name: "Replace", apply: (target, from, to) => target.dispatch({ changes: { from, to, insert: "wind_speed" } }) }],
    },
    { from: before.indexOf("day,"), to: before.indexOf("day,") + 3, severity: "warning", message: "“day” is also the name of a function." },
  ]),
);
openSearchPanel(view);

const side = (doc) => ({
  doc,
  extensions: [basicSetup, language(), EditorState.readOnly.of(true), EditorView.contentAttributes.of({ "aria-label": "SQL" })],
});
new MergeView({
  a: side(before),
  b: side(after),
  parent: document.getElementById("g-merged"),
  collapseUnchanged: { margin: 2, minSize: 4 },
});

const shown = document.getElementById("g-shown");
highlightSql(shown, shown.textContent);
document.getElementById("g-editor-ready").textContent = `${sparkFunctions.length} functions known`;
window.galleryEditor = view;
