// @ts-check
// The top of a stream's page: name, state, big newest picture, figures, and its drops in words.

import { el, icon, KeyedList, setText, show } from "./dom.js";
import { count, rate, span } from "./format.js";
import { othersNow, peopleNow, PictureRoom, StateBadge } from "./tile.js";
import { dropsInOrder, reasonWords, stateWords } from "./words.js";
/** @import { Pictures } from "./pictures.js" */
/** @import { StreamTile } from "./types.js" */

/** @type {[string, string, (tile: StreamTile) => string][]} */
const FIGURES = [
  ["people now", "in the newest inferred frame", peopleNow],
  ["behind live", "newest captured to newest inferred", (tile) => span(tile.behind_s)],
  ["captured", "frames/s", (tile) => rate(tile.captured_fps)],
  ["published", "frames/s", (tile) => rate(tile.published_fps)],
  ["inferred", "frames/s", (tile) => rate(tile.inferred_fps)],
  ["dropped", "frames/s, all reasons", (tile) => rate(tile.dropped_fps)],
  ["reconnects", "since the producer started", (tile) => count(tile.reconnects)],
];

export class StreamHead {
  /** @param {string} streamId @param {Pictures} pictures */
  constructor(streamId, pictures) {
    this.pictures = pictures;
    this.title = el("h1", { class: "stream-title", id: "stream-title", tabindex: "-1" }, streamId);
    this.badge = new StateBadge();
    this.badge.node.hidden = true;
    this.meaning = el("p", { class: "muted stream-meaning" });
    this.bar = el(
      "header",
      { class: "stream-bar" },
      el("a", { class: "button stream-back", href: "#/" }, icon("back"), "All streams"),
      el("div", { class: "stream-name" }, this.title, this.badge.node),
      this.meaning,
    );
    this.room = new PictureRoom((image) => fit(this.room.node, image));
    pictures.add(this.room.slot);
    this.values = FIGURES.map(() => el("dd", {}, "–"));
    this.others = el("p", { class: "muted" });
    this.drops = el("ul", {
      class: "drop-list",
      "aria-label": "Dropped frames by reason, since the producer started",
      hidden: true,
    });
    /** @type {KeyedList<number>} */
    this.dropList = new KeyedList(this.drops, dropRow);
    this.noDrops = el("p", { class: "muted", hidden: true }, "None since the producer started.");
    this.node = el(
      "div",
      { class: "stream-top" },
      el("section", { class: "stream-picture", "aria-label": "Newest picture" }, this.room.node, this.others),
      el("section", { class: "card", "aria-label": "Now" }, this.figures()),
      el(
        "section",
        { class: "card stream-drops", "aria-labelledby": "drops-title" },
        el("h2", { class: "section-title", id: "drops-title" }, "Frames left out"),
        this.noDrops,
        this.drops,
      ),
    );
  }

  figures() {
    return el(
      "dl",
      { class: "big-figures" },
      ...FIGURES.map(([name, unit], index) =>
        el(
          "div",
          { class: "big-figure" },
          el("dt", {}, name),
          this.values[index],
          el("dd", { class: "muted" }, unit),
        ),
      ),
    );
  }

  /** @param {StreamTile} tile @param {boolean} isLosing @param {number} nowMs */
  update(tile, isLosing, nowMs) {
    show(this.node, true);
    show(this.badge.node, true);
    this.badge.update(tile, isLosing);
    setText(this.meaning, stateWords(tile.state).meaning);
    FIGURES.forEach(([, , value], index) => setText(this.values[index], value(tile)));
    const others = othersNow(tile);
    setText(this.others, others === "" ? "" : `Also in the newest frame: ${others}`);
    const drops = dropsInOrder(tile.dropped);
    this.dropList.render(drops);
    show(this.noDrops, drops.length === 0);
    show(this.drops, drops.length > 0);
    this.room.update(tile, nowMs);
    this.pictures.pump();
  }

  showUnknown() {
    show(this.node, false);
    this.badge.node.hidden = true;
    setText(this.meaning, "");
  }

  close() {
    this.pictures.remove(this.room.slot);
  }
}

/** @param {HTMLElement} box @param {HTMLImageElement} image */
function fit(box, { naturalWidth, naturalHeight }) {
  box.style.setProperty("--picture-aspect", (naturalWidth / naturalHeight).toFixed(3));
}

/** @param {string} reason */
function dropRow(reason) {
  const { kind, meaning, act } = reasonWords(reason);
  const number = el("span", { class: "number" });
  const head = el(
    "p",
    { class: "drop-head" },
    ...(kind === "loss" ? [icon("losing")] : []),
    reason,
    " ",
    number,
  );
  const node = el("li", { "data-kind": kind }, head, el("p", {}, meaning), el("p", { class: "muted" }, act));
  return { node, update: (/** @type {number} */ dropped) => setText(number, count(dropped)) };
}
