// One stored event (JSON) as a line of the log: level, stage and words. The words come with it: each event's class has them (executor/events.py).
export const LEVELS = ["debug", "info", "warning", "error"];
export const LETTERS = ["D", "I", "W", "E"];

/** Gives {seq, at, level (0–3), stage, noise, text}. `noise` is a line of the framework's that is folded away. */
export function lineOf(event) {
  const level = Math.max(LEVELS.indexOf(event.level), 0);
  return {
    seq: event.seq,
    at: timeOf(event.time),
    level,
    stage: event.stage ?? "",
    noise: event.event === "log" && (event.source === "spark" || event.source === "executor") && level < 3,
    text: event.words ?? event.message ?? event.event,
  };
}

function timeOf(time) {
  const moment = new Date(time ?? NaN);
  if (Number.isNaN(moment.getTime())) return "";
  const two = (number, width = 2) => String(number).padStart(width, "0");
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${two(moment.getMilliseconds(), 3)}`;
}
