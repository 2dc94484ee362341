// A chart of the rows that are shown: kind and columns are chosen above it. The library comes when a chart is asked for.
import { el, icon } from "../dom.js";
import { typeIcon } from "../result_table.js";
import { fitting, KINDS, seriesOf, whyNone } from "./chart_data.js";

const COLOURS = ["--run-fill", "--warn-fill", "--ok-fill", "--bad-fill", "--code-keyword", "--code-type", "--mut", "--accent"];
const ICONS = { line: "chart-line", bar: "chart-bar", scatter: "chart-dots" };

export class Chart {
  constructor(root) {
    this.root = root;
    this.chosen = null;
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    new ResizeObserver(() => this.canvas?.resize()).observe(root);
  }

  /** What is saved with the query; {} while rows are shown. */
  get saved() {
    return (this.isWanted && this.chosen) || {};
  }

  set(chart) {
    this.chosen = chart?.kind ? chart : null;
    this.isWanted = Boolean(this.chosen);
  }

  leave() {
    this.isWanted = false;
  }

  /** `answer`: columns and rows; `isWhole`: whether these are all rows. */
  async show(answer, isWhole) {
    Object.assign(this, { answer, isWhole, isWanted: true });
    const chart = fitting(this.chosen, answer.columns);
    if (!chart) {
      this.root.replaceChildren(
        el("div", { class: "empty" }, icon("chart-bar"), el("b", {}, "Nothing to draw"), el("p", {}, whyNone(answer))),
      );
      return;
    }
    this.chosen = chart;
    this.box = el("div", { class: "chart-box", role: "img" });
    this.words = el("p", { class: "in mut small" });
    this.root.replaceChildren(this.controls(), this.words, this.box);
    this.library ??= await import("../../vendor/echarts.js");
    this.canvas?.dispose();
    this.canvas = this.library.init(this.box, null, { renderer: "canvas" });
    this.draw();
  }

  controls() {
    const { columns } = this.answer;
    const numbers = columns.filter(({ type }) => ["number", "decimal"].includes(typeIcon(type)));
    const change = (part) => {
      this.chosen = { ...this.chosen, ...part };
      this.show(this.answer, this.isWhole);
    };
    const kinds = KINDS.map((kind) =>
      el(
        "button",
        { type: "button", "aria-pressed": String(kind === this.chosen.kind), onclick: () => change({ kind }) },
        icon(ICONS[kind]),
        kind,
      ),
    );
    const choice = (label, value, options, put) =>
      el(
        "label",
        { class: "field inline" },
        el("span", { class: "label mut" }, label),
        el(
          "select",
          { class: "form-select sm auto", onchange: (event) => put(event.target.value) },
          options.map(([key, words]) => el("option", { value: key, selected: key === value }, words)),
        ),
      );
    const named = (list) => list.map(({ name }) => [name, name]);
    const second = this.chosen.y[1] ?? "";
    return el(
      "div",
      { class: "in flow chart-controls" },
      el("div", { class: "segmented", role: "group", "aria-label": "Kind of chart" }, kinds),
      choice("along", this.chosen.x, [["", "row number"], ...named(columns)], (x) => change({ x })),
      choice("shows", this.chosen.y[0], named(numbers), (y) => change({ y: [y, ...this.chosen.y.slice(1).filter((name) => name !== y)] })),
      choice("and", second, [["", "nothing else"], ...named(numbers.filter(({ name }) => name !== this.chosen.y[0]))], (y) =>
        change({ y: [this.chosen.y[0], ...(y ? [y] : [])] }),
      ),
      choice("one for each", this.chosen.by, [["", "—"], ...named(columns.filter(({ name }) => name !== this.chosen.x))], (by) =>
        change({ by }),
      ),
    );
  }

  draw() {
    if (!this.canvas || !this.answer || !this.box?.isConnected) return;
    const found = seriesOf(this.chosen, this.answer);
    const part = this.isWhole
      ? ""
      : `Only the first ${this.answer.rows.length.toLocaleString("en-US")} rows of the result are drawn; there are more.`;
    const words = [part, ...found.notes].filter(Boolean).join(" ");
    this.words.textContent = words;
    this.words.hidden = !words;
    this.words.className = `in small ${part ? "warn" : "mut"}`;
    const { kind, x, y } = this.chosen;
    this.box.setAttribute("aria-label", `A ${kind} chart of ${y.join(" and ")} along ${x || "the rows"}. The tab Rows has its numbers.`);
    this.canvas.setOption(options(this.chosen, found), true);
  }
}

function options(chart, { series, x }) {
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [ink, mut, line, card] = ["--ink", "--mut", "--line", "--card"].map(token);
  const font = { color: mut, fontFamily: token("--sans") || "sans-serif", fontSize: 12 };
  const axis = {
    axisLabel: font,
    nameTextStyle: font,
    axisLine: { lineStyle: { color: line } },
    splitLine: { lineStyle: { color: line } },
  };
  const categories = x === "category" ? { data: [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))] } : {};
  return {
    animation: false,
    useUTC: false,
    color: COLOURS.map(token),
    textStyle: font,
    grid: { left: 8, right: 24, top: series.length > 1 ? 44 : 20, bottom: 8, containLabel: true },
    legend: series.length > 1 ? { top: 4, type: "plain", textStyle: { ...font, color: ink } } : undefined,
    tooltip: {
      trigger: chart.kind === "scatter" ? "item" : "axis",
      renderMode: "richText",
      backgroundColor: card,
      borderColor: line,
      textStyle: { ...font, color: ink },
    },
    dataZoom: [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
    xAxis: { type: x, scale: true, ...categories, ...axis },
    yAxis: { type: "value", scale: chart.kind !== "bar", ...axis },
    series: series.map(({ name, points }) => ({
      name,
      type: chart.kind,
      data: points,
      symbol: "circle",
      showSymbol: points.length < 40,
      symbolSize: chart.kind === "scatter" ? 7 : 5,
      barMaxWidth: 40,
    })),
  };
}
