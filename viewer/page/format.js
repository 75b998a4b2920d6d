// @ts-check
// Numbers, durations and times as people read them; an unknown figure is "–", never 0.

export const UNKNOWN = "–";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", hourCycle: "h23" });
const DAY_CLOCK = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});
const DAY_MS = 86_400_000;

/** @param {number | null | undefined} value */
const isKnown = (value) => typeof value === "number" && Number.isFinite(value);

/** A count in full: 12,345. @param {number | null | undefined} value */
export function count(value) {
  return isKnown(value) ? WHOLE.format(/** @type {number} */ (value)) : UNKNOWN;
}

/** A count in little room: in full below 10,000, then 12.3K. @param {number} value */
export function shortCount(value) {
  return value < 10_000 ? WHOLE.format(value) : COMPACT.format(value);
}

/** Frames a second, with a decimal below 100. @param {number | null | undefined} fps */
export function rate(fps) {
  if (!isKnown(fps)) return UNKNOWN;
  const value = /** @type {number} */ (fps);
  return value < 99.95 ? value.toFixed(1) : WHOLE.format(value);
}

/** A span: 1.2 s, 14 s, 2 min 5 s, 3 h 4 min, 5 d. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (!isKnown(seconds)) return UNKNOWN;
  const value = Math.max(0, /** @type {number} */ (seconds));
  if (value < 9.95) return `${value.toFixed(1)} s`;
  return longSpan(Math.round(value));
}

/** @param {number} seconds whole seconds */
function longSpan(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return twoUnits(seconds, 60, "min", "s");
  if (seconds < 86_400) return twoUnits(Math.floor(seconds / 60), 60, "h", "min");
  return twoUnits(Math.floor(seconds / 3600), 24, "d", "h");
}

/** @param {number} value @param {number} base @param {string} large @param {string} small */
function twoUnits(value, base, large, small) {
  const rest = value % base;
  const head = `${Math.floor(value / base)} ${large}`;
  return rest === 0 ? head : `${head} ${rest} ${small}`;
}

/** How long ago, coarsely, so that it changes seldom. @param {number} ageMs */
export function ago(ageMs) {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds - (seconds % 5)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/**
 * Time of day on this device; with its day where it is not of the last 24 hours.
 * @param {number} ms
 * @param {number} nowMs
 */
export function clock(ms, nowMs = Date.now()) {
  return (Math.abs(nowMs - ms) < DAY_MS ? CLOCK : DAY_CLOCK).format(ms);
}

/** The same moment in UTC, for a tooltip. @param {number} ms */
export function utc(ms) {
  return `${new Date(ms).toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** 1 frame, 2 frames. @param {number} value @param {string} one @param {string} [many] */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Milliseconds of work: 3.1 ms below ten, 214 ms above. @param {number} ms */
export function millis(ms) {
  return ms < 9.95 ? ms.toFixed(1) : WHOLE.format(ms);
}

/** a, b and c. @param {string[]} words */
export function sentenceList(words) {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}
