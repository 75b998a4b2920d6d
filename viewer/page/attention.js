// @ts-check
// Which streams a person should look at, most urgent first, and the one sentence that says so.

import { lostFrames, stateWords } from "./words.js";
/** @import { ServiceHealth, StreamTile, Wall } from "./types.js" */

/** A stream counts as losing frames for so long after the last one, so that the wall does not flicker. */
export const LOSING_FOR_MS = 20_000;
const NAMED = 3;

const BY_NAME = new Intl.Collator("en", { numeric: true });

/** Tells from the counters of one Wall to the next which streams lose frames now. */
export class Losses {
  constructor() {
    /** @type {Map<string, {lost: number, grewMs: number}>} */
    this.seen = new Map();
  }

  /** @param {Wall} wall */
  note(wall) {
    const before = this.seen;
    this.seen = new Map();
    for (const { stream_id: id, dropped } of wall.streams) {
      const lost = lostFrames(dropped);
      const last = before.get(id);
      const grew = last !== undefined && lost > last.lost;
      this.seen.set(id, { lost, grewMs: grew ? wall.at_ms : (last?.grewMs ?? -Infinity) });
    }
    this.atMs = wall.at_ms;
  }

  /** @param {string} streamId */
  isLosing(streamId) {
    const last = this.seen.get(streamId);
    return last !== undefined && (this.atMs ?? 0) - last.grewMs < LOSING_FOR_MS;
  }
}

const URGENCY = ["reconnecting", "silent", "behind", "losing", "live"];

/**
 * What a stream is to be looked at for: its state, `losing`, or `live` for nothing.
 * @param {StreamTile} tile
 * @param {boolean} isLosing
 */
export function need(tile, isLosing) {
  return tile.state === "live" && isLosing ? "losing" : tile.state;
}

/** A state that this page does not know is most urgent. @param {string} what */
const urgency = (what) => URGENCY.indexOf(what);

/** @param {StreamTile} a @param {StreamTile} b */
export const byName = (a, b) => BY_NAME.compare(a.stream_id, b.stream_id);

/** @param {Losses} losses @returns {(a: StreamTile, b: StreamTile) => number} */
export function byUrgency(losses) {
  /** @param {StreamTile} tile */
  const rank = (tile) => urgency(need(tile, losses.isLosing(tile.stream_id)));
  return (a, b) => rank(a) - rank(b) || byName(a, b);
}

/**
 * @typedef {object} Overall
 * @property {"good" | "warn" | "bad" | "quiet"} tone
 * @property {string} lead
 * @property {{streamId: string, what: string}[]} named the most urgent streams
 * @property {number} unnamed how many more need a look
 * @property {string} tail about services and what is not seen, "" where all is well
 */

/** @param {Wall} wall @param {Losses} losses @returns {Overall} */
export function overall(wall, losses) {
  const needing = wall.streams
    .filter((tile) => need(tile, losses.isLosing(tile.stream_id)) !== "live")
    .sort(byUrgency(losses));
  const named = needing.slice(0, NAMED).map((tile) => ({
    streamId: tile.stream_id,
    what: needWords(need(tile, losses.isLosing(tile.stream_id))),
  }));
  const tail = tailOf(wall);
  const tone = toneOf(wall, needing.length, tail !== "");
  return { tone, lead: lead(wall, needing.length), named, unnamed: needing.length - named.length, tail };
}

/** @param {string} what */
export const needWords = (what) => (what === "losing" ? "losing frames" : stateWords(what).word);

/** @param {Wall} wall @param {number} needing @param {boolean} isHurt @returns {Overall["tone"]} */
function toneOf(wall, needing, isHurt) {
  if (wall.streams.length === 0) return isHurt ? "warn" : "quiet";
  if (needing === wall.streams.length) return "bad";
  return needing > 0 || isHurt ? "warn" : "good";
}

/** @param {Wall} wall @param {number} needing */
function lead(wall, needing) {
  const all = wall.streams.length;
  if (all === 0) return "No stream yet";
  if (needing === 0) return all === 1 ? "The stream is live" : `All ${all} streams live`;
  if (all === 1) return "The stream needs a look";
  return `${needing} of ${all} streams ${needing === 1 ? "needs" : "need"} a look`;
}

/** @param {Wall} wall */
function tailOf({ services, problems }) {
  const hurt = services.filter(isHurtService).map(({ name }) => name);
  const said = [];
  if (hurt.length === 1) said.push(`${hurt[0]} has a problem`);
  if (hurt.length > 1) said.push(`${hurt.length} services have a problem`);
  if (problems.length > 0) said.push("the viewer cannot see everything");
  return said.join("; ");
}

/** @param {ServiceHealth} service */
export function isHurtService(service) {
  return service.problem !== null || service.answering < service.known || service.answering === 0;
}

/** The sentence as one text, for the title and for announcements. @param {Overall} said */
export function sentence({ lead: start, named, unnamed, tail }) {
  const names = named.map(({ streamId, what }) => `${streamId} ${what}`);
  if (unnamed > 0) names.push(`${unnamed} more`);
  const streams = names.length > 0 ? `${start}: ${names.join(", ")}` : start;
  return tail === "" ? streams : `${streams}; ${tail}`;
}
