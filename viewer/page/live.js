// @ts-check
// Keeps the event stream of Walls open: notices silence, retries with growing waits, and says why it broke.

import { EVENTS, WALL } from "./addresses.js";
/** @import { Wall } from "./types.js" */

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "lost"} kind
 * @property {number} sinceMs when it was lost; 0 unless lost
 * @property {number} retryMs when it is tried again, by performance.now(); 0 while it is being tried
 * @property {number} failures in a row
 * @property {string} why one sentence; "" while nothing is known
 */

const SILENCE_MS = 6000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const PROBE_MS = 4000;
const SUPPORTED_VERSION = 1;

/**
 * The wait before the next try: doubles, with jitter, so that many pages do not come back at once.
 * @param {number} failures
 */
export function waitMs(failures) {
  const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
  return bound * (0.75 + Math.random() / 4);
}

export class Live {
  /**
   * @param {(wall: Wall) => void} onWall
   * @param {(connection: Connection) => void} onConnection called at every change
   */
  constructor(onWall, onConnection) {
    this.onWall = onWall;
    this.onConnection = onConnection;
    /** @type {Connection} */
    this.connection = { kind: "connecting", sinceMs: 0, retryMs: 0, failures: 0, why: "" };
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /** Opens the stream now, and again whenever the device comes back to the page or the network. */
  start() {
    window.addEventListener("online", () => this.retryNow());
    window.addEventListener("pagehide", () => this.stop());
    window.addEventListener("pageshow", (event) => event.persisted && this.open());
    document.addEventListener("visibilitychange", () => !document.hidden && this.retryNow());
    this.open();
  }

  /** Tries at once, where it is waiting to. */
  retryNow() {
    if (this.connection.kind === "lost") this.open();
  }

  stop() {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  open() {
    this.stop();
    const source = new EventSource(EVENTS);
    this.source = source;
    source.addEventListener("wall", (event) => this.received(event.data));
    source.addEventListener("error", () => this.failed(""));
    this.change({ retryMs: 0 });
    this.expectMore();
  }

  /** The viewer sends once a second: a stream that says nothing for long is as good as closed. */
  expectMore() {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.failed("It says nothing any more."), SILENCE_MS);
  }

  /** @param {string} text */
  received(text) {
    const wall = parsedWall(text);
    if (wall === null) {
      this.failed("It says what this page cannot read: reload the page.");
      return;
    }
    this.expectMore();
    if (this.connection.kind !== "live") {
      this.change({ kind: "live", sinceMs: 0, retryMs: 0, failures: 0, why: "" });
    }
    this.onWall(wall);
  }

  /** @param {string} why "" where only a question can tell */
  failed(why) {
    this.stop();
    const failures = this.connection.failures + 1;
    const wait = waitMs(failures);
    const sinceMs = this.connection.sinceMs || Date.now();
    this.timer = window.setTimeout(() => this.open(), wait);
    this.change({
      kind: "lost",
      sinceMs,
      retryMs: performance.now() + wait,
      failures,
      why: why || this.connection.why,
    });
    if (why === "") void this.ask(failures);
  }

  /** Asks for one Wall, to learn why the stream broke; what comes is shown. @param {number} failures */
  async ask(failures) {
    const { why, wall } = await asked();
    if (this.connection.kind !== "lost" || this.connection.failures !== failures) return;
    if (wall !== null) this.onWall(wall);
    this.change({ why });
  }

  /** @param {Partial<Connection>} changed */
  change(changed) {
    this.connection = { ...this.connection, ...changed };
    this.onConnection(this.connection);
  }
}

/** @param {string} text @returns {Wall | null} */
function parsedWall(text) {
  try {
    const wall = JSON.parse(text);
    return wall?.v === SUPPORTED_VERSION ? wall : null;
  } catch {
    return null;
  }
}

/** @returns {Promise<{why: string, wall: Wall | null}>} */
async function asked() {
  try {
    const answer = await fetch(WALL, { cache: "no-store", signal: AbortSignal.timeout(PROBE_MS) });
    if (!answer.ok) return { why: `It answers ${answer.status}${await detailOf(answer)}.`, wall: null };
    return {
      why: "It answers, but its live events do not come through.",
      wall: parsedWall(await answer.text()),
    };
  } catch {
    return { why: "It does not answer.", wall: null };
  }
}

/** What an error answer says about itself, after a colon. @param {Response} answer */
export async function detailOf(answer) {
  try {
    const said = (await answer.json()).detail;
    return typeof said === "string" ? `: ${said.replace(/\.$/, "")}` : "";
  } catch {
    return "";
  }
}
