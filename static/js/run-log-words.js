// One stored event (JSON) as a line of the log: level, stage and words. The download says the same (portal/runs/log_lines.py).
export const LEVELS = ["debug", "info", "warning", "error"];
export const LETTERS = ["D", "I", "W", "E"];

/** Gives {seq, at, level (0–3), stage, noise, text}. `noise` is a line of the framework's that is folded away. */
export function lineOf(event) {
  const level = levelOf(event);
  return {
    seq: event.seq,
    at: timeOf(event.time),
    level,
    stage: event.stage ?? "",
    noise: event.event === "log" && (event.source === "spark" || event.source === "executor") && level < 3,
    text: wordsOf(event),
  };
}

function levelOf(event) {
  if (event.event === "log") return Math.max(LEVELS.indexOf(event.level), 0);
  if (event.event === "stage_failed" || event.event === "problem") return 3;
  if (event.event === "gap" || (event.event === "stage_finished" && event.outcome === "warning")) return 2;
  return event.event === "stage_rows" || event.event === "stage_metrics" ? 0 : 1;
}

function timeOf(time) {
  const moment = new Date(time ?? NaN);
  if (Number.isNaN(moment.getTime())) return "";
  const two = (number, width = 2) => String(number).padStart(width, "0");
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${two(moment.getMilliseconds(), 3)}`;
}

const count = (number) => number.toLocaleString("en");

const WORDS = {
  log: (event) => event.message ?? "",
  run_started: (event) => `run begins: ${(event.stages ?? []).length} stages, document ${(event.document_sha256 ?? "").slice(0, 12)}`,
  session_ready: (event) => (event.duration_ms < 500 ? "Spark was ready" : `Spark is ready after ${seconds(event)}`),
  stage_entered: (event) => `begins (${event.stage_type})`,
  stage_rows: (event) =>
    `${count(event.rows)} rows ${event.direction === "rejected" ? "kept aside" : event.direction}${event.view ? ` (${event.view})` : ""}`,
  stage_metrics: (event) =>
    Object.entries(event.metrics ?? {})
      .map(([name, value]) => `${name.replaceAll("_", " ")} ${count(value)}`)
      .join(", "),
  stage_finished: (event) => `${event.outcome} after ${seconds(event)}${flow(event)}`,
  stage_failed: (event) => `failed: ${event.problem?.message ?? ""}`,
  problem: (event) => `not right: ${event.problem?.message ?? ""}`,
  publish_requested: (event) => `all stages passed; ${plural((event.outputs ?? []).length, "output")} ready to be made visible`,
  result: (event) => `${(event.outcome ?? "").replaceAll("_", " ")} after ${seconds(event)}`,
  gap: (event) => `… ${count(event.lines)} lines are not kept: the log has reached its limit`,
};

function wordsOf(event) {
  const say = WORDS[event.event];
  if (say) return String(say(event));
  const { seq, event: name, time, stage, ...rest } = event;
  return `${name} ${JSON.stringify(rest)}`;
}

const seconds = (event) => `${((event.duration_ms ?? 0) / 1000).toFixed(1)} s`;
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

function flow(event) {
  const parts = [event.rows_in, event.rows_out].filter((rows) => rows != null).map(count);
  return (parts.length ? `, ${parts.join(" → ")} rows` : "") + (event.rows_rejected ? `, ${count(event.rows_rejected)} kept aside` : "");
}
