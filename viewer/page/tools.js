// @ts-check
// Filter and order of the wall: a text, a state, and attention first or by name.

import { el, icon, KeyedList, setAttribute, setText, show } from "./dom.js";
import { need, needWords } from "./attention.js";
import { recall, remember } from "./storage.js";
import { stateWords } from "./words.js";
/** @import { Losses } from "./attention.js" */
/** @import { StreamTile, Wall } from "./types.js" */

/** With so few, everything is in sight: a filter would only be in the way. */
const MANY = 8;
const WHATS = ["reconnecting", "silent", "behind", "losing", "live"];
const ORDERS = ["attention", "name"];

export class WallTools {
  /** @param {HTMLElement} room @param {() => void} onChange */
  constructor(room, onChange) {
    this.room = room;
    this.onChange = onChange;
    this.text = "";
    /** @type {string | null} */
    this.what = null;
    this.order = recall("order", ORDERS);
    this.search = el("input", {
      type: "search",
      class: "search",
      placeholder: "Filter by name",
      "aria-label": "Filter streams by name",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.search.addEventListener("input", () =>
      this.changed({ text: this.search.value.trim().toLowerCase() }),
    );
    this.shown = el("span", { class: "shown-count", role: "status" });
    const states = el("div", { class: "state-filters", role: "group", "aria-label": "Filter by state" });
    /** @type {KeyedList<number>} */
    this.counts = new KeyedList(states, (what) => this.countRow(what));
    room.append(states, this.shown, this.search, this.orderSwitch());
  }

  orderSwitch() {
    const labels = [
      ["attention", "Attention first"],
      ["name", "By name"],
    ].map(([order, words]) => {
      const input = el("input", { type: "radio", name: "order", value: order });
      input.checked = order === this.order;
      input.addEventListener("change", () => {
        remember("order", order);
        this.changed({ order });
      });
      return el("label", {}, input, el("span", {}, words));
    });
    return el("fieldset", { class: "segments" }, el("legend", { class: "unseen" }, "Order"), ...labels);
  }

  /** @param {string} what */
  countRow(what) {
    const number = el("span", { class: "number" });
    const button = el(
      "button",
      { type: "button", class: "state-filter", "data-state": what },
      icon(what === "losing" ? "losing" : stateWords(what).icon),
      number,
      ` ${needWords(what)}`,
    );
    button.addEventListener("click", () => this.changed({ what: this.what === what ? null : what }));
    /** @param {number} streams */
    const update = (streams) => {
      setText(number, String(streams));
      setAttribute(button, "aria-pressed", String(this.what === what));
    };
    return { node: button, update };
  }

  /** @param {Partial<{text: string, what: string | null, order: string}>} choice */
  changed(choice) {
    Object.assign(this, choice);
    this.onChange();
  }

  clear() {
    this.search.value = "";
    this.changed({ text: "", what: null });
  }

  /** @param {Wall} wall @param {Losses} losses @returns {StreamTile[]} those to be shown */
  filtered({ streams }, losses) {
    const isMany = streams.length > MANY;
    show(this.room, isMany);
    if (!isMany) return streams;
    /** @param {StreamTile} tile */
    const what = (tile) => need(tile, losses.isLosing(tile.stream_id));
    this.showCounts(streams.map(what));
    const shown = streams.filter(
      (tile) => tile.stream_id.includes(this.text) && (this.what === null || what(tile) === this.what),
    );
    setText(this.shown, shown.length === streams.length ? "" : `${shown.length} of ${streams.length} shown`);
    return shown;
  }

  /** @param {string[]} whats one a stream */
  showCounts(whats) {
    const kinds = WHATS.filter((what) => whats.includes(what) || this.what === what);
    this.counts.render(kinds.map((what) => [what, whats.filter((one) => one === what).length]));
  }
}
