// @ts-check
// The time line: detections a frame over the last minutes, drawn, readable moment by moment, and as a table.

import { el, setAttribute, setText, show, svg, timeOf } from "./dom.js";
import { clock, plural, utc } from "./format.js";
import { bucketsOf, columnsFor, rangeOf, summaryOf, timeTicks, valueTicks } from "./timescale.js";
/** @import { Bucket, Range } from "./timescale.js" */
/** @import { BatchView } from "./types.js" */

const HIGH_PX = 190;
const MARGIN_PX = { top: 14, right: 12, bottom: 30, left: 40 };
const COLUMN_PX = 3;
const TABLE_ROWS = 24;

export class Timeline {
  constructor() {
    /** @type {Bucket[]} */
    this.buckets = [];
    /** @type {Range} */
    this.range = { startMs: 0, endMs: 1 };
    /** @type {{batches: BatchView[], nowMs: number} | null} */
    this.last = null;
    this.chosen = -1;
    this.plot = svg("g");
    this.cursor = svg("line", { class: "chart-cursor", y1: MARGIN_PX.top, y2: HIGH_PX - MARGIN_PX.bottom });
    this.drawing = svg("svg", { class: "chart", role: "img", height: HIGH_PX }, this.plot, this.cursor);
    this.handle = el("div", {
      class: "chart-handle",
      role: "slider",
      tabindex: "0",
      "aria-label": "Moment of the time line",
    });
    this.room = el("div", { class: "chart-room" }, this.drawing, this.handle);
    this.readout = el("p", { class: "chart-readout" });
    this.rows = el("tbody");
    this.none = el("p", { class: "muted" }, "No result of this stream yet.");
    this.chart = el("div", { hidden: true }, this.room, this.readout, this.details());
    this.node = el(
      "section",
      { class: "section card", "aria-labelledby": "timeline-title" },
      el("h2", { class: "section-title", id: "timeline-title" }, "Detections a frame"),
      this.none,
      this.chart,
    );
    this.listen();
  }

  details() {
    const heads = ["From", "Frames", "Most in one frame", "Mean"].map((name) =>
      el("th", { scope: "col" }, name),
    );
    return el(
      "details",
      { class: "chart-table" },
      el("summary", {}, "The same as a table"),
      el(
        "table",
        {},
        el("caption", { class: "unseen" }, "Detections a frame over time, newest first"),
        el("thead", {}, el("tr", {}, ...heads)),
        this.rows,
      ),
    );
  }

  listen() {
    this.handle.addEventListener("keydown", (event) => this.pressed(event));
    this.handle.addEventListener("pointermove", (event) => this.pointed(event.offsetX));
    this.handle.addEventListener("pointerleave", () => this.choose(-1));
    this.handle.addEventListener("blur", () => this.choose(-1));
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.room);
  }

  close() {
    this.sizes?.disconnect();
  }

  /** @param {BatchView[]} batches @param {number} nowMs */
  update(batches, nowMs) {
    this.last = { batches, nowMs };
    this.draw();
  }

  draw() {
    if (this.last === null) return;
    const { batches, nowMs } = this.last;
    const range = rangeOf(batches, nowMs);
    show(this.none, range === null);
    show(this.chart, range !== null);
    const width = this.room.clientWidth;
    if (range === null || width === 0) return;
    const chosenMs = this.buckets[this.chosen]?.atMs;
    this.range = range;
    const roomFor = Math.max(1, Math.floor((width - MARGIN_PX.left - MARGIN_PX.right) / COLUMN_PX));
    this.buckets = bucketsOf(batches, range, columnsFor(batches, range, roomFor));
    this.chosen = chosenMs === undefined ? -1 : this.nearest(chosenMs);
    this.plotAll(width);
    this.choose(this.chosen);
    this.fillTable(batches);
  }

  /** @param {number} width */
  plotAll(width) {
    setAttribute(this.drawing, "width", width);
    setAttribute(this.drawing, "viewBox", `0 0 ${width} ${HIGH_PX}`);
    setAttribute(this.drawing, "aria-label", summaryOf(this.buckets, this.range));
    this.width = width;
    const most = Math.max(1, ...this.buckets.map((bucket) => bucket.most));
    this.top = valueTicks(most).at(-1) ?? 1;
    this.plot.replaceChildren(...this.valueAxis(most), ...this.timeAxis(), this.area());
  }

  /** @param {number} ms */
  x(ms) {
    const inner = (this.width ?? 1) - MARGIN_PX.left - MARGIN_PX.right;
    return MARGIN_PX.left + ((ms - this.range.startMs) / (this.range.endMs - this.range.startMs)) * inner;
  }

  /** @param {number} value */
  y(value) {
    const inner = HIGH_PX - MARGIN_PX.top - MARGIN_PX.bottom;
    return MARGIN_PX.top + inner * (1 - value / (this.top ?? 1));
  }

  /** @param {number} most @returns {Node[]} */
  valueAxis(most) {
    return valueTicks(most).flatMap((value) => [
      svg("line", {
        class: "chart-line",
        x1: MARGIN_PX.left,
        x2: (this.width ?? 1) - MARGIN_PX.right,
        y1: this.y(value),
        y2: this.y(value),
      }),
      svg(
        "text",
        {
          class: "chart-label",
          x: MARGIN_PX.left - 8,
          y: this.y(value),
          "text-anchor": "end",
          "dominant-baseline": "middle",
        },
        String(value),
      ),
    ]);
  }

  /** @returns {Node[]} */
  timeAxis() {
    const ticks = timeTicks(this.range, this.x(this.range.endMs) - this.x(this.range.startMs));
    return ticks.flatMap((ms) => [
      svg("line", {
        class: "chart-tick",
        x1: this.x(ms),
        x2: this.x(ms),
        y1: HIGH_PX - MARGIN_PX.bottom,
        y2: HIGH_PX - MARGIN_PX.bottom + 5,
      }),
      svg(
        "text",
        { class: "chart-label", x: this.x(ms), y: HIGH_PX - 8, "text-anchor": "middle" },
        clock(ms, this.range.endMs),
      ),
    ]);
  }

  /** A step a column; a column without frames stays empty, one without detections keeps a base line. */
  area() {
    const base = this.y(0);
    const steps = this.buckets.map(({ startMs, endMs, most }) => {
      const left = this.x(startMs);
      const high = Math.max(2, base - this.y(most));
      return `M${left.toFixed(1)} ${base}v${(-high).toFixed(1)}H${(this.x(endMs) + 0.3).toFixed(1)}V${base}z`;
    });
    return svg("path", { class: "chart-area", d: steps.join("") });
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const last = this.buckets.length - 1;
    const at = this.chosen < 0 ? last : this.chosen;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - 10,
      PageUp: at + 10,
      Home: 0,
      End: last,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.choose(Math.min(last, Math.max(0, targets[event.key])));
  }

  /** @param {number} x pixels from the chart's left edge */
  pointed(x) {
    const inner = (this.width ?? 1) - MARGIN_PX.left - MARGIN_PX.right;
    const { startMs, endMs } = this.range;
    this.choose(this.nearest(startMs + ((x - MARGIN_PX.left) / inner) * (endMs - startMs)));
  }

  /** @param {number} ms */
  nearest(ms) {
    let best = -1;
    this.buckets.forEach((bucket, index) => {
      if (best < 0 || Math.abs(bucket.atMs - ms) < Math.abs(this.buckets[best].atMs - ms)) best = index;
    });
    return best;
  }

  /** @param {number} index of the bucket that is read out; -1 for the newest, without a cursor */
  choose(index) {
    this.chosen = index;
    const bucket = this.buckets.at(index);
    if (bucket === undefined) return;
    this.cursor.toggleAttribute("hidden", index < 0);
    setAttribute(this.cursor, "x1", this.x(bucket.atMs));
    setAttribute(this.cursor, "x2", this.x(bucket.atMs));
    const words = `${clock(bucket.atMs)}: ${plural(bucket.most, "detection")}`;
    setText(this.readout, index < 0 ? `Newest, ${words}` : words);
    setAttribute(this.readout, "title", utc(bucket.atMs));
    setAttribute(this.handle, "aria-valuemin", 0);
    setAttribute(this.handle, "aria-valuemax", this.buckets.length - 1);
    setAttribute(this.handle, "aria-valuenow", index < 0 ? this.buckets.length - 1 : index);
    setAttribute(this.handle, "aria-valuetext", words);
  }

  /** @param {BatchView[]} batches */
  fillTable(batches) {
    const rows = bucketsOf(batches, this.range, TABLE_ROWS).reverse();
    this.rows.replaceChildren(
      ...rows.map(({ startMs, frames, most, sum }) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, timeOf(startMs)),
          el("td", { class: "number" }, String(frames)),
          el("td", { class: "number" }, String(most)),
          el("td", { class: "number" }, (sum / frames).toFixed(1)),
        ),
      ),
    );
  }
}
