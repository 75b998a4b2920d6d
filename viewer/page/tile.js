// @ts-check
// One stream of the wall: its newest picture, its state, and the few figures that matter.

import { streamPage } from "./addresses.js";
import { need, needWords } from "./attention.js";
import { el, icon, KeyedList, setAttribute, setIcon, setText, show, setTime } from "./dom.js";
import { ago, clock, count, plural, rate, shortCount, span, UNKNOWN } from "./format.js";
import { nowMs } from "./now.js";
import { Slot } from "./pictures.js";
import { dropsInOrder, reasonWords, stateWords } from "./words.js";
/** @import { Pictures } from "./pictures.js" */
/** @import { StreamTile } from "./types.js" */

const PERSON = "person";
const OTHERS_SHOWN = 3;
/** A picture of a live stream is a batch old, and a batch may take 5 s to gather and some to store. */
const OLD_PICTURE_MS = 20_000;

/** @typedef {{tile: StreamTile, isLosing: boolean, atMs: number}} TileNow */

/** A badge: icon, word and colour. */
export class StateBadge {
  constructor() {
    this.word = el("span");
    this.node = el("span", { class: "state" }, icon("live"), this.word);
  }

  /** @param {StreamTile} tile @param {boolean} isLosing */
  update(tile, isLosing) {
    const what = need(tile, isLosing);
    setAttribute(this.node, "data-state", what);
    setIcon(this.node, what === "losing" ? "losing" : stateWords(what).icon);
    setText(this.word, needWords(what));
    setAttribute(
      this.node,
      "title",
      what === "losing" ? "Frames were lost in the last seconds." : stateWords(what).meaning,
    );
  }
}

/** @param {string} label @param {string} [title] */
function figure(label, title = "") {
  const value = el("dd");
  const name = el("dt", {}, label);
  return { value, name, node: el("div", { class: "figure", title: title || false }, name, value) };
}

/** Whether anybody knows what is in front of the camera now. @param {StreamTile} tile */
function isWatching({ state, inferred_fps: fps, picture, now }) {
  const isInferred = fps !== null || picture !== null || Object.keys(now).length > 0;
  return isInferred && (state === "live" || state === "behind");
}

/** @param {StreamTile} tile */
export function peopleNow(tile) {
  return isWatching(tile) ? count(tile.now[PERSON] ?? 0) : UNKNOWN;
}

/** Everything but people, most first: "bicycle 2, dog 1". @param {StreamTile} tile */
export function othersNow(tile) {
  if (!isWatching(tile)) return "";
  const others = Object.entries(tile.now)
    .filter(([label, number]) => label !== PERSON && number > 0)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([label, number]) => `${label} ${count(number)}`);
  const more = others.length - OTHERS_SHOWN;
  return [...others.slice(0, OTHERS_SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

/** @param {StreamTile} tile */
export function pictureAlt({ stream_id: id, picture }) {
  return picture === null
    ? ""
    : `${id} at ${clock(picture.captured_ms)}: ${plural(picture.detections, "detection")}`;
}

export class Tile {
  /**
   * @param {string} streamId
   * @param {Pictures} pictures
   * @param {(image: HTMLImageElement) => void} onPicture
   */
  constructor(streamId, pictures, onPicture) {
    this.pictures = pictures;
    this.badge = new StateBadge();
    this.room = new PictureRoom(onPicture);
    pictures.add(this.room.slot);
    this.fps = figure("frames/s");
    this.behind = figure("behind", "Seconds from the newest captured frame back to the newest inferred one");
    this.people = figure("people", "In the newest inferred frame");
    this.others = el("p", { class: "tile-others" });
    this.link = el("a", { class: "tile-link", href: streamPage(streamId), title: streamId }, streamId);
    this.notes = el("ul", { class: "drops", "aria-label": "Drops and reconnects" });
    /** @type {KeyedList<Note>} */
    this.noteList = new KeyedList(this.notes, noteRow);
    this.notesRoom = el("div", { class: "tile-notes" }, this.others, this.notes);
    this.node = el(
      "li",
      { class: "tile" },
      this.room.node,
      el("div", { class: "tile-head" }, el("h3", { class: "tile-name" }, this.link), this.badge.node),
      el("dl", { class: "figures" }, this.fps.node, this.behind.node, this.people.node),
      this.notesRoom,
    );
  }

  /** @param {TileNow} now */
  update({ tile, isLosing, atMs }) {
    setAttribute(this.node, "data-state", need(tile, isLosing));
    this.badge.update(tile, isLosing);
    setText(this.fps.value, rate(tile.captured_fps));
    setAttribute(this.fps.node, "title", rates(tile));
    setText(this.behind.value, span(tile.behind_s));
    setText(this.people.value, peopleNow(tile));
    setText(this.people.name, tile.now[PERSON] === 1 && isWatching(tile) ? "person" : "people");
    const others = othersNow(tile);
    setText(this.others, others);
    show(this.others, others !== "");
    const notes = notesOf(tile);
    this.noteList.render(notes);
    show(this.notes, notes.length > 0);
    show(this.notesRoom, notes.length > 0 || others !== "");
    this.room.update(tile, atMs);
  }

  remove() {
    this.pictures.remove(this.room.slot);
  }
}

/** @param {StreamTile} tile */
function rates({ captured_fps: captured, published_fps: published, inferred_fps: inferred }) {
  return `captured ${rate(captured)}, published ${rate(published)}, inferred ${rate(inferred)} frames/s`;
}

/** The room of a picture: what stands there while there is none, and of when the one shown is. */
export class PictureRoom {
  /** @param {(image: HTMLImageElement) => void} [onShown] */
  constructor(onShown) {
    this.time = el("time");
    this.age = el("span", { class: "picture-age" });
    this.stamp = el("p", { class: "picture-stamp", hidden: true }, this.time, this.age);
    this.node = el(
      "div",
      { class: "picture", "data-picture": "none" },
      el(
        "p",
        { class: "picture-none" },
        icon("picture"),
        el("span", { class: "if-none" }, "no picture yet"),
        el("span", { class: "if-missing" }, "picture cannot be loaded"),
      ),
      this.stamp,
    );
    this.slot = new Slot(this.node, (image) => {
      this.showStamp(nowMs());
      onShown?.(image);
    });
  }

  /** @param {StreamTile} tile @param {number} atMs */
  update(tile, atMs) {
    this.slot.want(tile.picture, pictureAlt(tile));
    this.showStamp(atMs);
  }

  /** @param {number} atMs */
  showStamp(atMs) {
    const { shown } = this.slot;
    show(this.stamp, shown !== null);
    if (shown === null) return;
    const ageMs = atMs - shown.captured_ms;
    setTime(this.time, shown.captured_ms, atMs);
    setText(this.age, ageMs > OLD_PICTURE_MS ? ago(ageMs) : "");
    setAttribute(this.node, "data-old", ageMs > OLD_PICTURE_MS);
  }
}

/** @typedef {{kind: string, text: string, title: string}} Note */

/** @param {StreamTile} tile @returns {[string, Note][]} */
function notesOf({ dropped, reconnects }) {
  /** @type {[string, Note][]} */
  const notes = dropsInOrder(dropped).map(([reason, number]) => {
    const { kind, meaning } = reasonWords(reason);
    return [
      reason,
      {
        kind,
        text: `${reason} ${shortCount(number)}`,
        title: `${plural(number, "frame")} dropped. ${meaning}`,
      },
    ];
  });
  if (reconnects > 0) {
    notes.push([
      "",
      { kind: "calm", text: plural(reconnects, "reconnect"), title: "Connections tried after the first" },
    ]);
  }
  return notes;
}

function noteRow() {
  const text = el("span");
  const sign = icon("losing");
  const node = el("li", { class: "drop" }, sign, text);
  /** @param {Note} note */
  const update = ({ kind, text: words, title }) => {
    setAttribute(node, "data-kind", kind);
    sign.toggleAttribute("hidden", kind !== "loss");
    setText(text, words);
    setAttribute(node, "title", title);
  };
  return { node, update };
}
