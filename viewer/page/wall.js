// @ts-check
// The wall: a tile a stream, changed in place, the most urgent first, never reordered under a hand.

import { byName, byUrgency } from "./attention.js";
import { byId, el, KeyedList, setAttribute, show } from "./dom.js";
import { broken, empty, loading, nothingMatches } from "./placeholders.js";
import { Tile } from "./tile.js";
import { WallTools } from "./tools.js";
/** @import { Losses } from "./attention.js" */
/** @import { Pictures } from "./pictures.js" */
/** @import { TileNow } from "./tile.js" */
/** @import { StreamTile, Wall } from "./types.js" */

/** Who has just moved over the tiles, by pointer or key, may be about to press one. */
const HAND_MS = 3000;
/** A key that brings the focus into the grid is let go there. */
const HAND_SIGNS = ["pointermove", "pointerdown", "keydown", "keyup"];
const FEW = 4;
const SOME = 16;

export class WallView {
  /** @param {Pictures} pictures @param {Losses} losses */
  constructor(pictures, losses) {
    this.losses = losses;
    this.grid = el("ul", { class: "wall", role: "list", "aria-label": "Streams", hidden: true });
    this.aspects = new Aspects(this.grid);
    /** @type {KeyedList<TileNow>} */
    this.tiles = new KeyedList(
      this.grid,
      (id) => new Tile(id, pictures, (image) => this.aspects.note(id, image)),
    );
    this.tools = new WallTools(byId("wall-tools"), () => this.render(true));
    this.instead = el("div");
    this.insteadKind = "";
    this.handMs = -Infinity;
    /** @type {string[]} */
    this.order = [];
    /** @type {{wall: Wall, nowMs: number} | null} */
    this.last = null;
    for (const sign of HAND_SIGNS) {
      this.grid.addEventListener(sign, () => (this.handMs = performance.now()), { passive: true });
    }
    this.grid.addEventListener("keydown", (event) => moveFocus(this.grid, event));
    byId("wall-room").append(this.grid, this.instead);
    this.showInstead("loading", loading);
  }

  /** The viewer has never told anything yet, and is away. */
  showBroken() {
    this.showInstead("broken", broken);
  }

  /** @param {Wall} wall @param {number} nowMs */
  update(wall, nowMs) {
    this.last = { wall, nowMs };
    this.render(false);
  }

  /** @param {boolean} isAsked whether a person asked for another order or filter */
  render(isAsked) {
    if (this.last === null) return;
    const { wall, nowMs } = this.last;
    const streams = this.tools.filtered(wall, this.losses);
    this.order = isAsked || !this.isHeld() ? this.sorted(streams) : this.kept(streams);
    const byStream = new Map(streams.map((tile) => [tile.stream_id, tile]));
    const focused = this.focused();
    this.tiles.render(
      this.order.map((id) => {
        const tile = /** @type {StreamTile} */ (byStream.get(id));
        return [id, { tile, isLosing: this.losses.isLosing(id), atMs: nowMs }];
      }),
    );
    if (this.focused() !== focused) focused?.focus({ preventScroll: true });
    setAttribute(
      this.grid,
      "data-size",
      wall.streams.length <= FEW ? "few" : wall.streams.length <= SOME ? "some" : "many",
    );
    this.showPlaceholder(wall, streams.length);
  }

  /** @param {Wall} wall @param {number} shown */
  showPlaceholder(wall, shown) {
    const isBlind = wall.problems.length > 0;
    if (wall.streams.length === 0) this.showInstead(`empty ${isBlind}`, () => empty(isBlind));
    else if (shown === 0) this.showInstead("nothing", () => nothingMatches(() => this.tools.clear()));
    else this.showInstead("", () => null);
  }

  /** @param {string} kind @param {() => Node | null} make */
  showInstead(kind, make) {
    show(this.grid, kind === "");
    if (kind === this.insteadKind) return;
    this.insteadKind = kind;
    const node = make();
    this.instead.replaceChildren(...(node === null ? [] : [node]));
  }

  isHeld() {
    return performance.now() - this.handMs < HAND_MS;
  }

  /** The link of the grid that has the focus, which a node loses by being moved. */
  focused() {
    const { activeElement } = document;
    return activeElement instanceof HTMLElement && this.grid.contains(activeElement) ? activeElement : null;
  }

  /** @param {StreamTile[]} streams */
  sorted(streams) {
    const compare = this.tools.order === "name" ? byName : byUrgency(this.losses);
    return [...streams].sort(compare).map(({ stream_id: id }) => id);
  }

  /** The order as it is, new streams at its end. @param {StreamTile[]} streams */
  kept(streams) {
    const ids = new Set(streams.map(({ stream_id: id }) => id));
    const before = this.order.filter((id) => ids.has(id));
    const known = new Set(before);
    return [...before, ...this.sorted(streams.filter(({ stream_id: id }) => !known.has(id)))];
  }

  /** @param {string} streamId @returns {HTMLElement | undefined} the link of its tile */
  linkOf(streamId) {
    const tile = this.tiles.rows.get(streamId);
    return tile instanceof Tile ? tile.link : undefined;
  }
}

/** Gives all tiles the shape that most of the pictures have, so that few have bars at their sides. */
class Aspects {
  /** @param {HTMLElement} grid */
  constructor(grid) {
    this.grid = grid;
    /** @type {Map<string, string>} */
    this.seen = new Map();
  }

  /** @param {string} streamId @param {HTMLImageElement} image */
  note(streamId, { naturalWidth: width, naturalHeight: height }) {
    const aspect = (width / height).toFixed(2);
    if (this.seen.get(streamId) === aspect) return;
    this.seen.set(streamId, aspect);
    /** @type {Map<string, number>} */
    const votes = new Map();
    for (const one of this.seen.values()) votes.set(one, (votes.get(one) ?? 0) + 1);
    const [most] = [...votes].sort(([, n], [, m]) => m - n)[0];
    this.grid.style.setProperty("--picture-aspect", most);
  }
}

/**
 * Arrow keys walk the wall as it is laid out; Tab goes on tile by tile.
 * @param {HTMLElement} grid
 * @param {KeyboardEvent} event
 */
function moveFocus(grid, event) {
  const links = /** @type {HTMLElement[]} */ ([...grid.querySelectorAll(".tile-link")]);
  const at = links.findIndex((link) => link === document.activeElement);
  if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: 0,
    End: links.length - 1,
  };
  const target = links[targets[event.key]];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}
