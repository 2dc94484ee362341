// Times are the reader's own, with UTC on hover (the title comes from the server); durations tick while something runs.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const DAY = 86400;

/** Seconds as people say them; the same words as portal/ui/words.py. */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < DAY) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / DAY)} d ${Math.floor((whole % DAY) / 3600)} h`;
}

export function ago(moment, now = new Date()) {
  const seconds = (now - moment) / 1000;
  if (Math.abs(seconds) < 45) return seconds < 0 ? "in a moment" : "just now";
  const minutes = Math.round(Math.abs(seconds) / 60);
  if (minutes < 60) return seconds < 0 ? `in ${minutes} min` : `${minutes} min ago`;
  if (Math.abs(seconds) < 6 * 3600) {
    const hours = Math.round(minutes / 60);
    return seconds < 0 ? `in ${hours} h` : `${hours} h ago`;
  }
  return dayAndClock(moment, now);
}

function dayAndClock(moment, now) {
  const apart = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / (DAY * 1000));
  const word = { 0: "today", 1: "yesterday", [-1]: "tomorrow" }[apart];
  const date = word ?? (moment.getFullYear() === now.getFullYear() ? day : dayYear).format(moment);
  return `${date} ${clock.format(moment)}`;
}

/** The reader's own, of 24 hours everywhere. */
export const clockOf = (moment) => clock.format(moment);

const FORMS = {
  ago: (moment) => ago(moment),
  clock: clockOf,
  day: (moment) => dayAndClock(moment, new Date()),
  full: (moment) => `${dayYear.format(moment)}, ${clockSeconds.format(moment)}`,
};

/** Writes every <time class="moment"> and .ticking below `root` anew. */
export function refresh(root = document) {
  for (const time of root.querySelectorAll("time.moment")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = (FORMS[time.dataset.form] ?? FORMS.ago)(moment);
  }
  tick(root);
}

function tick(root = document) {
  for (const span of root.querySelectorAll(".ticking")) span.textContent = duration((Date.now() - new Date(span.dataset.since)) / 1000);
}

setInterval(tick, 1000);
setInterval(refresh, 30000);
document.addEventListener("htmx:afterSwap", (event) => refresh(event.target));

/** Where nobody has chosen a time zone yet, the reader's own is proposed. */
export function proposeZone(own = Intl.DateTimeFormat().resolvedOptions().timeZone) {
  for (const select of document.querySelectorAll("select[data-own-zone]")) {
    if ([...select.options].some((option) => option.value === own)) select.value = own;
  }
}
proposeZone();
