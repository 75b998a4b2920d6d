// @ts-check
// One stream close up: its picture, figures and drops in words, its time line, batches and last pictures.

import { streamAddress } from "./addresses.js";
import { Batches } from "./batches.js";
import { el, icon, show } from "./dom.js";
import { detailOf } from "./live.js";
import { nowMs } from "./now.js";
import { PictureGrid } from "./picturegrid.js";
import { StreamHead } from "./streamhead.js";
import { Timeline } from "./timeline.js";
/** @import { Losses } from "./attention.js" */
/** @import { Pictures } from "./pictures.js" */
/** @import { StreamDetail, StreamTile, Wall } from "./types.js" */

const POLL_MS = 2000;
const PATIENCE_MS = 8000;

export class StreamView {
  /** @param {HTMLElement} node @param {Pictures} pictures @param {Losses} losses */
  constructor(node, pictures, losses) {
    this.node = node;
    this.pictures = pictures;
    this.losses = losses;
    /** @type {OpenStream | null} */
    this.stream = null;
  }

  /** @param {string} streamId @param {Wall | null} wall */
  open(streamId, wall) {
    this.close();
    this.stream = new OpenStream(streamId, this.pictures, this.losses);
    this.node.replaceChildren(this.stream.node);
    show(this.node, true);
    if (wall !== null) this.hear(wall);
    void this.stream.follow();
  }

  close() {
    this.stream?.close();
    this.stream = null;
    this.node.replaceChildren();
    show(this.node, false);
  }

  focus() {
    this.stream?.head.title.focus({ preventScroll: true });
  }

  /** @param {Wall} wall */
  hear(wall) {
    if (this.stream === null) return;
    this.stream.hearBucket(wall.bucket);
    const tile = wall.streams.find(({ stream_id: id }) => id === this.stream?.streamId);
    if (tile !== undefined) this.stream.showTile(tile);
  }

  /** The age of the picture goes on while nothing is heard. */
  tick() {
    this.stream?.tick();
  }
}

class OpenStream {
  /** @param {string} streamId @param {Pictures} pictures @param {Losses} losses */
  constructor(streamId, pictures, losses) {
    this.streamId = streamId;
    this.losses = losses;
    /** @type {string | null} */
    this.bucket = null;
    /** @type {StreamDetail | null} */
    this.detail = null;
    /** @type {StreamTile | null} what was told last, by a wall or the details */
    this.tile = null;
    this.stopping = new AbortController();
    this.head = new StreamHead(streamId, pictures);
    this.timeline = new Timeline();
    this.batches = new Batches();
    this.grid = new PictureGrid(streamId);
    this.trouble = el(
      "div",
      { class: "notice notice--warn", role: "status", hidden: true },
      icon("alert"),
      el("p"),
    );
    this.rest = el(
      "div",
      { class: "stream-rest", "aria-busy": "true" },
      this.timeline.node,
      this.batches.node,
      this.grid.node,
    );
    this.node = el(
      "article",
      { class: "stream", "aria-labelledby": "stream-title" },
      this.head.bar,
      this.trouble,
      this.head.node,
      this.rest,
    );
  }

  /** @param {StreamTile} tile */
  showTile(tile) {
    this.tile = tile;
    this.head.update(tile, this.losses.isLosing(this.streamId), nowMs());
  }

  tick() {
    if (this.tile !== null) this.showTile(this.tile);
  }

  /** Asks for the details again and again until the view is closed; a defect of the page ends nothing. */
  async follow() {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (!document.hidden) await this.ask(signal).catch(reportError);
      await new Promise((resolve) => window.setTimeout(resolve, POLL_MS));
    }
  }

  /** @param {AbortSignal} signal */
  async ask(signal) {
    const within = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    let answer, detail;
    try {
      answer = await fetch(streamAddress(this.streamId), { cache: "no-store", signal: within });
      if (answer.ok) detail = await answer.json();
    } catch {
      if (!signal.aborted)
        this.showTrouble(
          "The details cannot be read now: the viewer does not answer. Trying again by itself.",
        );
      return;
    }
    if (answer.ok) this.showDetail(detail);
    else await this.showRefusal(answer);
  }

  /** @param {StreamDetail} detail */
  showDetail(detail) {
    show(this.trouble, false);
    show(this.rest, true);
    this.rest.removeAttribute("aria-busy");
    this.showTile(detail.stream);
    this.timeline.update(detail.batches, detail.at_ms);
    this.batches.update(detail.batches);
    this.detail = detail;
    this.showPictures();
  }

  /** @param {string} bucket */
  hearBucket(bucket) {
    if (bucket === this.bucket) return;
    this.bucket = bucket;
    this.showPictures();
  }

  /** The wall names the bucket, without which a picture's address is not whole. */
  showPictures() {
    if (this.detail !== null && this.bucket !== null) this.grid.update(this.detail.batches, this.bucket);
  }

  /** @param {Response} answer */
  async showRefusal(answer) {
    if (answer.status === 404) {
      this.tile = null;
      this.head.showUnknown();
      show(this.rest, false);
      this.showTrouble(
        "The viewer knows no stream of this name. " +
          "It may not have captured a frame yet, or be spelled differently.",
      );
      return;
    }
    this.showTrouble(
      `The details cannot be read now: the viewer answers ${answer.status}${await detailOf(answer)}. ` +
        "Trying again by itself.",
    );
  }

  /** @param {string} words */
  showTrouble(words) {
    const text = /** @type {HTMLElement} */ (this.trouble.querySelector("p"));
    if (text.textContent !== words) text.textContent = words;
    show(this.trouble, true);
  }

  close() {
    this.stopping.abort();
    this.head.close();
    this.timeline.close();
  }
}
