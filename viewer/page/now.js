// @ts-check
// The viewer's clock, run on between its messages: ages stay right on a device whose own clock is wrong.

let atMs = Date.now();
let heardMs = performance.now();

/** @param {number} viewerMs the viewer's time of the message that just came */
export function hearNow(viewerMs) {
  atMs = viewerMs;
  heardMs = performance.now();
}

/** Milliseconds since the epoch, by the viewer's clock. */
export function nowMs() {
  return atMs + (performance.now() - heardMs);
}
