// @ts-check
// The arithmetic of the time line: its range, its columns, and where its axes are marked.

import { clock, plural } from "./format.js";
/** @import { BatchView } from "./types.js" */

/** @typedef {{startMs: number, endMs: number}} Range */
/**
 * @typedef {object} Bucket
 * @property {number} startMs
 * @property {number} endMs
 * @property {number} atMs when its busiest frame was captured
 * @property {number} frames
 * @property {number} most detections in one frame
 * @property {number} sum of detections
 */

const LONGEST_MS = 10 * 60_000;
const SHORTEST_MS = 30_000;
/** A stream that has been away for longer shows its last minutes, not an empty chart. */
const AWAY_MS = 2 * 60_000;
const TICKS_MS = [5, 10, 15, 30, 60, 120, 300].map((seconds) => seconds * 1000);
const TICK_PX = 90;

/** @param {BatchView[]} batches @param {number} nowMs @returns {Range | null} null without a frame */
export function rangeOf(batches, nowMs) {
  let first = Infinity;
  let last = -Infinity;
  for (const { captured_ms: times } of batches) {
    for (const ms of times) {
      first = Math.min(first, ms);
      last = Math.max(last, ms);
    }
  }
  if (last === -Infinity) return null;
  const endMs = nowMs > last && nowMs - last < AWAY_MS ? nowMs : last;
  return { startMs: Math.max(Math.min(first, endMs - SHORTEST_MS), endMs - LONGEST_MS), endMs };
}

/**
 * How many columns may be drawn, so that each holds a frame of a stream that goes on.
 * @param {BatchView[]} batches
 * @param {Range} range
 * @param {number} roomFor
 */
export function columnsFor(batches, { startMs, endMs }, roomFor) {
  const gaps = batches.flatMap(({ captured_ms: times }) =>
    times.slice(1).map((ms, index) => ms - times[index]),
  );
  if (gaps.length === 0) return roomFor;
  const usualMs = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)];
  return Math.max(1, Math.min(roomFor, Math.floor((endMs - startMs) / (2 * Math.max(1, usualMs)))));
}

/**
 * The frames in columns of equal time, oldest first; columns without a frame are left out.
 * @param {BatchView[]} batches
 * @param {Range} range
 * @param {number} columns
 * @returns {Bucket[]}
 */
export function bucketsOf(batches, { startMs, endMs }, columns) {
  const widthMs = (endMs - startMs) / columns;
  /** @type {Map<number, Bucket>} */
  const buckets = new Map();
  for (const { captured_ms: times, detections } of batches) {
    times.forEach((ms, index) => {
      if (ms < startMs || ms > endMs) return;
      const column = Math.min(columns - 1, Math.floor((ms - startMs) / widthMs));
      const bucket = buckets.get(column) ?? emptyBucket(startMs + column * widthMs, widthMs, ms);
      buckets.set(column, bucket);
      const number = detections[index] ?? 0;
      if (number > bucket.most) bucket.atMs = ms;
      bucket.most = Math.max(bucket.most, number);
      bucket.sum += number;
      bucket.frames += 1;
    });
  }
  return [...buckets].sort(([a], [b]) => a - b).map(([, bucket]) => bucket);
}

/** @param {number} startMs @param {number} widthMs @param {number} atMs @returns {Bucket} */
function emptyBucket(startMs, widthMs, atMs) {
  return { startMs, endMs: startMs + widthMs, atMs, frames: 0, most: 0, sum: 0 };
}

/** Whole numbers from 0 to at least `most`, five or fewer. @param {number} most */
export function valueTicks(most) {
  const step = [1, 2, 5, 10, 20, 25, 50, 100].find((candidate) => most / candidate <= 4) ?? 250;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** Round times of this device's zone, as many as fit. @param {Range} range @param {number} widthPx */
export function timeTicks({ startMs, endMs }, widthPx) {
  const fitting = Math.max(1, Math.floor(widthPx / TICK_PX));
  const step = TICKS_MS.find((candidate) => (endMs - startMs) / candidate <= fitting) ?? LONGEST_MS;
  const zoneMs = new Date(endMs).getTimezoneOffset() * 60_000;
  const first = Math.ceil((startMs - zoneMs) / step) * step + zoneMs;
  const ticks = [];
  for (let ms = first; ms <= endMs; ms += step) ticks.push(ms);
  return ticks;
}

/** @param {Bucket[]} buckets @param {Range} range */
export function summaryOf(buckets, { startMs, endMs }) {
  const most = Math.max(0, ...buckets.map((bucket) => bucket.most));
  const frames = buckets.reduce((sum, bucket) => sum + bucket.frames, 0);
  const mean = buckets.reduce((sum, bucket) => sum + bucket.sum, 0) / Math.max(1, frames);
  const when = `from ${clock(startMs)} to ${clock(endMs)}`;
  const what = `at most ${most}, ${mean.toFixed(1)} on average, over ${plural(frames, "frame")}`;
  return `Detections a frame ${when}: ${what}.`;
}
