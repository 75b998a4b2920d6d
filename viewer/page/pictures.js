// @ts-check
// Newest pictures, fetched only where in view, few at once, and shown only when decoded: nothing flickers.

import { pictureAddress } from "./addresses.js";
/** @import { Picture } from "./types.js" */

const AT_ONCE = 4;
/** Of the six connections that HTTP/1.1 gives a page, the event stream has one and the details one. */
const A_SECOND = 16;
/** Decoding is the dearest thing that the page does: 64 tiles in view get a new picture every 4 s. */
const LEAST_GAP_MS = 2000;
const RETRY_MS = 10_000;
/** A connection that is cut off without a word would keep its slot for ever. */
const PATIENCE_MS = 20_000;

/** One place that shows the newest picture it was told of, or keeps the one before. */
export class Slot {
  /**
   * @param {HTMLElement} box takes the image as its first child
   * @param {(image: HTMLImageElement) => void} [onShown]
   */
  constructor(box, onShown) {
    this.box = box;
    this.onShown = onShown;
    /** @type {Picture | null} */
    this.wanted = null;
    this.alt = "";
    /** @type {Picture | null} */
    this.shown = null;
    this.dueMs = 0;
    this.isInView = false;
    this.isLoading = false;
    /** @type {HTMLImageElement | null} */
    this.image = null;
  }

  /** @param {Picture | null} picture @param {string} alt */
  want(picture, alt) {
    this.wanted = picture;
    this.alt = alt;
    if (this.image !== null || this.box.dataset.picture === "missing") return;
    const now = picture === null ? "none" : "coming";
    if (this.box.dataset.picture !== now) this.box.dataset.picture = now;
  }

  /** @param {number} nowMs */
  isDue(nowMs) {
    return (
      this.isInView &&
      !this.isLoading &&
      this.wanted !== null &&
      this.wanted.key !== this.shown?.key &&
      nowMs >= this.dueMs
    );
  }

  /**
   * Loads what is wanted, and shows it once it is decoded.
   * @param {number} gapMs until the next may be loaded
   */
  async load(gapMs) {
    const picture = /** @type {Picture} */ (this.wanted);
    const image = new Image();
    image.alt = this.alt;
    image.src = pictureAddress(picture.key);
    this.isLoading = true;
    try {
      await decoded(image);
      this.swap(image, picture);
      this.dueMs = performance.now() + gapMs;
    } catch {
      if (this.image === null) this.box.dataset.picture = "missing";
      this.dueMs = performance.now() + (this.wanted?.key === picture.key ? RETRY_MS : gapMs);
    } finally {
      this.isLoading = false;
    }
  }

  /** @param {HTMLImageElement} image @param {Picture} picture */
  swap(image, picture) {
    if (this.image === null) this.box.prepend(image);
    else this.image.replaceWith(image);
    this.image = image;
    this.shown = picture;
    this.box.dataset.picture = "shown";
    this.onShown?.(image);
  }
}

/**
 * Rejects where there is no picture, or none in time; its request is then ended.
 * @param {HTMLImageElement} image
 */
async function decoded(image) {
  /** @type {number | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = window.setTimeout(() => reject(new Error("The picture did not come.")), PATIENCE_MS);
  });
  try {
    await Promise.race([image.decode(), late]);
  } catch (error) {
    image.src = "";
    throw error;
  } finally {
    window.clearTimeout(timer);
  }
}

/** Gives every slot its turn, the one that waited longest first. */
export class Pictures {
  constructor() {
    /** @type {Map<Element, Slot>} */
    this.slots = new Map();
    this.loading = 0;
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "120px" });
  }

  /** @param {Slot} slot */
  add(slot) {
    this.slots.set(slot.box, slot);
    this.observer.observe(slot.box);
  }

  /** @param {Slot} slot */
  remove(slot) {
    this.slots.delete(slot.box);
    this.observer.unobserve(slot.box);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  seen(entries) {
    for (const entry of entries) {
      const slot = this.slots.get(entry.target);
      if (slot) slot.isInView = entry.isIntersecting;
    }
    this.pump();
  }

  /** Starts as many loads as may run; call it whenever something may be due. */
  pump() {
    if (document.hidden) return;
    const nowMs = performance.now();
    const inView = [...this.slots.values()].filter((slot) => slot.isInView);
    const gapMs = Math.max(LEAST_GAP_MS, (inView.length / A_SECOND) * 1000);
    const due = inView.filter((slot) => slot.isDue(nowMs)).sort((a, b) => a.dueMs - b.dueMs);
    for (const slot of due.slice(0, AT_ONCE - this.loading)) void this.load(slot, gapMs);
  }

  /** @param {Slot} slot @param {number} gapMs */
  async load(slot, gapMs) {
    this.loading += 1;
    await slot.load(gapMs);
    this.loading -= 1;
    this.pump();
  }
}
