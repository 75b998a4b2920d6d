// @ts-check
// The top of the page: the overall sentence, the connection of the page itself, and what the viewer cannot see.

import { streamPage } from "./addresses.js";
import { byId, el, setAttribute, setIcon, setText, show } from "./dom.js";
import { clock, span, utc } from "./format.js";
import { sentence } from "./attention.js";
/** @import { Overall } from "./attention.js" */
/** @import { Connection } from "./live.js" */

const TONE_ICONS = { good: "live", warn: "alert", bad: "alert", quiet: "wait" };
const ANNOUNCE_AFTER_MS = 1500;
const PATIENT_FAILURES = 2;

/** Says changes to a screen reader once they have settled, and never the same twice. */
export class Announcer {
  constructor() {
    this.node = byId("announcer");
    this.said = "";
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /** @param {string} text */
  say(text) {
    if (text === this.said) return;
    this.said = text;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => setText(this.node, text), ANNOUNCE_AFTER_MS);
  }
}

export class OverallSentence {
  constructor() {
    this.node = byId("overall");
    this.text = byId("overall-text");
    this.shown = "";
  }

  /** @param {Overall} said @param {string} [asOf] the time it was true at, if it may be no longer */
  update(said, asOf = "") {
    const tone = asOf === "" ? said.tone : "quiet";
    setAttribute(this.node, "data-tone", tone);
    setIcon(this.node, TONE_ICONS[tone]);
    const text = `${sentence(said)} ${asOf}`;
    if (text === this.shown) return;
    this.shown = text;
    this.text.replaceChildren(...parts(said), ...(asOf === "" ? [] : [` (at ${asOf})`]));
  }
}

/** @param {Overall} said @returns {(Node | string)[]} */
function parts({ lead, named, unnamed, tail }) {
  /** @type {(Node | string)[]} */
  const all = [el("strong", {}, lead)];
  named.forEach(({ streamId, what }, index) => {
    const name = el("a", { href: streamPage(streamId), title: streamId }, streamId);
    all.push(index === 0 ? ": " : ", ", name, ` ${what}`);
  });
  if (unnamed > 0) all.push(`, ${unnamed} more`);
  if (tail !== "") all.push(`; ${tail}`);
  return all;
}

export class ConnectionSign {
  /** @param {() => void} retry @param {Announcer} announcer */
  constructor(retry, announcer) {
    this.announcer = announcer;
    this.sign = byId("connection");
    this.text = byId("connection-text");
    this.lost = byId("lost");
    this.lostTitle = byId("lost-title");
    this.lostText = byId("lost-text");
    byId("lost-retry").addEventListener("click", retry);
  }

  /** @param {Connection} connection @param {boolean} hasWall whether older figures are on the page */
  update(connection, hasWall) {
    const { kind, sinceMs } = connection;
    const isLost = isPlainlyLost(connection, hasWall);
    setAttribute(this.sign, "data-connection", kind);
    setText(this.text, kind === "lost" ? "lost, retrying" : kind);
    setAttribute(
      this.sign,
      "title",
      kind === "lost" ? `Lost at ${utc(sinceMs)}` : "This page's connection to the viewer",
    );
    document.documentElement.toggleAttribute("data-stale", isLost && hasWall);
    show(this.lost, isLost);
    if (!isLost) return;
    const title = hasWall ? `Lost the viewer at ${clock(sinceMs)}.` : "The viewer cannot be reached.";
    setText(this.lostTitle, title);
    setText(
      this.lostText,
      `${connection.why} ${hasWall ? "The figures below are from then. " : ""}${retryWords(connection)}`,
    );
    this.announcer.say(`${title} Trying again by itself.`);
  }
}

/**
 * A short break is no news: the first retry comes within half a second.
 * @param {Connection} connection
 * @param {boolean} hasWall
 */
export function isPlainlyLost({ kind, failures }, hasWall) {
  return kind === "lost" && (failures >= PATIENT_FAILURES || !hasWall);
}

/** @param {Connection} connection */
function retryWords({ retryMs }) {
  const leftS = Math.ceil((retryMs - performance.now()) / 1000);
  return retryMs === 0 || leftS <= 0 ? "Trying now." : `Trying again in ${span(leftS).replace(".0", "")}.`;
}

/** @param {string[]} problems what the viewer itself cannot see */
export function showProblems(problems) {
  const list = byId("problems-list");
  show(byId("problems"), problems.length > 0);
  if ([...list.children].map((item) => item.textContent).join("\n") === problems.join("\n")) return;
  list.replaceChildren(...problems.map((problem) => el("li", {}, problem)));
}
