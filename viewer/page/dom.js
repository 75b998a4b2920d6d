// @ts-check
// Makes and changes nodes; text goes in as text only, so nothing from a record can become markup.

import { clock, utc } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null} Child */

/**
 * @template {Element} E
 * @param {E} node @param {Record<string, string | number | boolean>} attributes @param {Child[]} children
 */
function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string | number | boolean>} [attributes] @param {...Child} children
 */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag @param {Record<string, string | number | boolean>} [attributes] @param {...Child} children
 */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** An icon of the sprite in index.html; its meaning stands beside it in words. @param {string} name */
export function icon(name) {
  const use = svg("use", { href: `#i-${name}` });
  return svg("svg", { class: "icon", "aria-hidden": "true" }, use);
}

/** @param {Element} node the icon @param {string} name */
export function setIcon(node, name) {
  const use = node.querySelector("use");
  if (use) setAttribute(use, "href", `#i-${name}`);
}

/**
 * Writes text only where it differs, into the text node that is there.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  const first = node.firstChild;
  if (first === null) node.appendChild(document.createTextNode(text));
  else if (first.nodeValue !== text) first.nodeValue = text;
}

/**
 * Writes an attribute only where it differs; false takes it away.
 * @param {Element} node
 * @param {string} name
 * @param {string | number | boolean} value
 */
export function setAttribute(node, name, value) {
  if (value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** @param {HTMLElement} node @param {boolean} isShown */
export function show(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

/** A `<time>` of this device's zone, UTC in its tooltip. @param {number} ms @param {number} [nowMs] */
export function timeOf(ms, nowMs) {
  const node = el("time");
  setTime(node, ms, nowMs);
  return node;
}

/** @param {HTMLTimeElement} node @param {number} ms @param {number} [nowMs] */
export function setTime(node, ms, nowMs) {
  setText(node, clock(ms, nowMs));
  setAttribute(node, "datetime", new Date(ms).toISOString());
  setAttribute(node, "title", utc(ms));
}

/**
 * A long name in one line, which gives way in its middle; whole in its tooltip.
 * @param {string} text
 * @param {number} tail characters that always show
 * @param {string} [className]
 */
export function clipped(text, tail, className = "") {
  const cut = Math.max(0, text.length - tail);
  return el(
    "code",
    { class: `clipped ${className}`.trim(), title: text },
    el("span", { class: "clipped-head" }, text.slice(0, cut)),
    el("span", { class: "clipped-tail" }, text.slice(cut)),
  );
}

/** @param {string} id @returns {HTMLElement} the element of index.html; throws where there is none */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) throw new Error(`index.html has no #${id}`);
  return node;
}

/**
 * Children of one parent, known by a key: changed in place, moved only when their order changed.
 * @template I
 */
export class KeyedList {
  /**
   * @param {Element} parent
   * @param {(key: string) => {node: Element, update: (item: I) => void, remove?: () => void}} make
   */
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
    /** @type {Map<string, {node: Element, update: (item: I) => void, remove?: () => void}>} */
    this.rows = new Map();
  }

  /** @param {[string, I][]} items in the order to be shown, each key once */
  render(items) {
    const keys = new Set(items.map(([key]) => key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      row.node.remove();
      row.remove?.();
      this.rows.delete(key);
    }
    let next = this.parent.firstElementChild;
    for (const [key, item] of items) {
      const row = this.rows.get(key) ?? this.added(key);
      row.update(item);
      if (row.node === next) next = next.nextElementSibling;
      else this.parent.insertBefore(row.node, next);
    }
  }

  /** @param {string} key */
  added(key) {
    const row = this.make(key);
    this.rows.set(key, row);
    return row;
  }
}
