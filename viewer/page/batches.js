// @ts-check
// The batches of a stream, newest first: which frames, what was found, how long each step took, stored or not.

import { copyButton } from "./copy.js";
import { clipped, el, icon, KeyedList, setAttribute, setIcon, setText, show, svg, timeOf } from "./dom.js";
import { count, millis, plural } from "./format.js";
import { closedByWords } from "./words.js";
/** @import { BatchView } from "./types.js" */

const FIRST_ROWS = 8;
const COLUMNS = [
  "Captured",
  "Frames",
  "Detections a frame",
  "Objects",
  "Closed by",
  "Model",
  "Gather",
  "Decode",
  "Infer",
  "Pictures",
];
const ID_TAIL = 8;
const BAR_PX = 4;
const BARS_HIGH_PX = 20;

export class Batches {
  constructor() {
    this.isWhole = false;
    /** @type {BatchView[]} */
    this.batches = [];
    const body = el("tbody", { role: "rowgroup" });
    /** @type {KeyedList<BatchView>} */
    this.rows = new KeyedList(body, batchRow);
    this.more = el("button", { class: "button", type: "button", hidden: true });
    this.more.addEventListener("click", () => {
      this.isWhole = !this.isWhole;
      this.update(this.batches);
    });
    this.none = el(
      "p",
      { class: "muted", hidden: true },
      "No batch of this stream is among the newest results.",
    );
    // Roles by hand: on narrow screens the rows become cards, and a table that is no table any more loses them.
    this.table = el(
      "table",
      { class: "batches", role: "table", "aria-labelledby": "batches-title" },
      el(
        "thead",
        { role: "rowgroup" },
        el(
          "tr",
          { role: "row" },
          ...COLUMNS.map((name) =>
            el("th", { scope: "col", role: "columnheader", class: columnClass(name) }, name),
          ),
        ),
      ),
      body,
    );
    this.node = el(
      "section",
      { class: "section", "aria-labelledby": "batches-title" },
      el("h2", { class: "section-title", id: "batches-title" }, "Batches"),
      this.none,
      el("div", { class: "batches-room" }, this.table),
      this.more,
    );
  }

  /** @param {BatchView[]} batches newest first */
  update(batches) {
    this.batches = batches;
    const shown = this.isWhole ? batches : batches.slice(0, FIRST_ROWS);
    this.rows.render(shown.map((batch) => [batch.batch_id, batch]));
    show(this.none, batches.length === 0);
    show(this.table, batches.length > 0);
    show(this.more, batches.length > FIRST_ROWS);
    setText(this.more, this.isWhole ? `Only the newest ${FIRST_ROWS}` : `Show all ${batches.length} batches`);
    setAttribute(this.more, "aria-expanded", String(this.isWhole));
  }
}

/** @param {string} batchId */
function batchRow(batchId) {
  const node = el("tr", { role: "row" });
  const stored = el("span", { class: "stored" }, icon("check"), el("span"));
  let key = "";
  /** @param {BatchView} batch */
  const update = (batch) => {
    showStored(stored, batch);
    // A batch read again may tell of more frames, under the same id.
    const newKey = `${batch.last_offset} ${batch.inferred_ms}`;
    if (newKey === key) return;
    key = newKey;
    node.replaceChildren(...cells(batchId, batch, stored));
  };
  return { node, update };
}

/** @param {HTMLElement} node @param {BatchView} batch */
function showStored(node, { is_stored: isStored, pictures }) {
  setAttribute(node, "data-stored", String(isStored));
  setIcon(node, isStored ? "check" : "wait");
  const words = isStored
    ? `${pictures.length} stored`
    : pictures.length > 0
      ? `${pictures.length} not stored yet`
      : "not stored yet";
  setText(/** @type {Node} */ (node.lastElementChild), words);
}

/** @param {string} batchId @param {BatchView} batch @param {Node} stored */
function cells(batchId, batch, stored) {
  const contents = [
    [captured(batch), id(batchId)],
    [offsets(batch)],
    [spark(batch.detections), notInferred(batch)],
    [objects(batch)],
    [closedByWords(batch.closed_by)],
    [el("span", { class: "breakable" }, batch.model)],
    [ms(batch.gather_ms)],
    [ms(batch.decode_ms)],
    [ms(batch.infer_ms)],
    [stored],
  ];
  return contents.map((content, index) =>
    el("td", { role: "cell", "data-label": COLUMNS[index], class: columnClass(COLUMNS[index]) }, ...content),
  );
}

/** @param {string} column */
const columnClass = (column) => `batch-${column.split(" ")[0].toLowerCase()}`;

/** @param {BatchView} batch */
function captured({ captured_ms: times }) {
  const node = el("span", { class: "batch-time" });
  if (times.length > 0) node.append(timeOf(times[0]), "–", timeOf(times[times.length - 1]));
  return node;
}

/** @param {string} batchId */
function id(batchId) {
  return el(
    "span",
    { class: "batch-id" },
    clipped(batchId, ID_TAIL),
    copyButton(batchId, `Copy the batch id ${batchId}`),
  );
}

/** @param {BatchView} batch */
function offsets({ first_offset: first, last_offset: last, captured_ms: times }) {
  return el(
    "span",
    {},
    plural(times.length, "frame"),
    el("span", { class: "muted batch-offsets" }, ` offsets ${first}–${last}`),
  );
}

/** @param {BatchView} batch */
function notInferred({ not_inferred: number }) {
  return number === 0
    ? null
    : el("span", { class: "bad-text" }, icon("alert"), `${plural(number, "frame")} not inferred`);
}

/** @param {BatchView} batch */
function objects({ counts }) {
  const found = Object.entries(counts)
    .sort(([, n], [, m]) => m - n)
    .map(([label, most]) => `${label} ${most}`);
  return el(
    "span",
    { title: "The most of each label in one frame" },
    found.length > 0 ? found.join(", ") : "none",
  );
}

/** @param {number} value */
function ms(value) {
  return el("span", { class: "number" }, `${millis(value)} ms`);
}

/** One bar a frame, as high as it has detections. @param {number[]} detections */
function spark(detections) {
  const most = Math.max(...detections, 1);
  const bars = detections.map((number, index) => {
    const high = number === 0 ? 1 : Math.max(3, (number / most) * BARS_HIGH_PX);
    return `M${index * BAR_PX + 1} ${BARS_HIGH_PX}v${-high}h${BAR_PX - 1}v${high}z`;
  });
  const width = Math.max(1, detections.length) * BAR_PX;
  const drawing = svg(
    "svg",
    {
      class: "spark",
      role: "img",
      viewBox: `0 0 ${width} ${BARS_HIGH_PX}`,
      width,
      height: BARS_HIGH_PX,
      "aria-label": `Detections frame by frame: ${detections.join(", ")}`,
      preserveAspectRatio: "none",
    },
    svg("path", { d: bars.join("") }),
  );
  return el(
    "span",
    { class: "spark-room" },
    drawing,
    el(
      "span",
      { class: "muted" },
      ` ${count(Math.min(...detections, most))} to ${count(Math.max(...detections, 0))}`,
    ),
  );
}
