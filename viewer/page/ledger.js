// @ts-check
// The ledger's verdict: a button that tells it in a few words, and a panel with its sums and problems.

import { byId, el, icon, setAttribute, setIcon, setText, show, timeOf } from "./dom.js";
import { ago, count, plural, span } from "./format.js";
/** @import { LedgerVerdict } from "./types.js" */

/** Where the ledger runs again and again, a verdict is minutes old; one much older says little about now. */
const OLD_AFTER_MS = 15 * 60_000;

export class Ledger {
  constructor() {
    this.button = byId("ledger-button");
    this.text = byId("ledger-text");
    this.panel = byId("ledger-panel");
    this.age = el("span");
    this.old = el(
      "p",
      { class: "warn-text" },
      "This verdict is old. Is framerail ledger --publish still running?",
    );
    /** @type {string | null} */
    this.shown = null;
  }

  /** @param {LedgerVerdict | null} verdict @param {number} nowMs */
  update(verdict, nowMs) {
    const age = verdict === null ? "" : ago(nowMs - verdict.at_ms);
    const isOld = verdict !== null && nowMs - verdict.at_ms > OLD_AFTER_MS;
    setAttribute(this.button, "data-tone", tone(verdict, isOld));
    setIcon(this.button, verdict === null ? "ledger" : verdict.closed ? "check" : "alert");
    setText(this.text, verdict === null ? "Ledger: no verdict yet" : `${shortVerdict(verdict)}, ${age}`);
    setText(this.age, age);
    show(this.old, isOld);
    const key = verdict === null ? "none" : String(verdict.at_ms);
    if (key === this.shown) return;
    this.shown = key;
    this.panel.replaceChildren(...(verdict === null ? noVerdict() : this.content(verdict)));
  }

  /** @param {LedgerVerdict} verdict @returns {Node[]} */
  content(verdict) {
    return [
      head(verdict.closed ? "The books close" : "The books do not close"),
      el("p", {}, meaning(verdict)),
      el(
        "p",
        { class: "muted" },
        "Found ",
        this.age,
        " (",
        timeOf(verdict.at_ms),
        "), ",
        window_(verdict),
        ".",
      ),
      this.old,
      ...listed("What keeps them open", "problems", verdict.problems),
      sums(verdict),
      ...listed("Notes", "notes", verdict.notes),
    ];
  }
}

/** @param {LedgerVerdict | null} verdict @param {boolean} isOld */
function tone(verdict, isOld) {
  if (verdict === null) return "quiet";
  if (!verdict.closed) return "bad";
  return isOld ? "warn" : "good";
}

/** @param {LedgerVerdict} verdict */
const shortVerdict = ({ closed }) => (closed ? "Ledger closes" : "Ledger does not close");

/** @param {LedgerVerdict} verdict */
function meaning({ closed, streams }) {
  const over = streams === 1 ? "its one stream" : plural(streams, "stream");
  return closed
    ? `Over ${over}, every captured frame is accounted for, and every promised picture is in S3.`
    : `Over ${over}, not every frame or picture is accounted for.`;
}

/** @param {LedgerVerdict} verdict */
function window_({ since_ms: sinceMs, at_ms: atMs }) {
  return sinceMs === null ? "over all that Kafka holds" : `over the ${span((atMs - sinceMs) / 1000)} before`;
}

/** @param {string} title */
function head(title) {
  const close = el(
    "button",
    { class: "button", type: "button", popovertarget: "ledger-panel", popovertargetaction: "hide" },
    "Close",
  );
  return el("div", { class: "panel-head" }, el("h2", { id: "ledger-title" }, title), close);
}

/** @param {string} title @param {string} kind @param {string[]} lines @returns {Node[]} */
function listed(title, kind, lines) {
  if (lines.length === 0) return [];
  const items = lines.map((line) => el("li", {}, line));
  return [el("h3", {}, title), el("ul", { class: `panel-list panel-list--${kind}` }, ...items)];
}

/** @param {LedgerVerdict} verdict */
function sums(verdict) {
  return el(
    "table",
    { class: "sums" },
    el("caption", { class: "unseen" }, "Sums over all streams"),
    el(
      "tbody",
      {},
      sum("captured", verdict.captured, "frames that cameras delivered"),
      ...(verdict.replayed > 0
        ? [sum("put back", verdict.replayed, "from the dead letters, beside those captured")]
        : []),
      sum("published", verdict.published, "of them are in Kafka"),
      sum("dropped", verdict.dropped, "of them were left out, each with its reason"),
      sum("inferred", verdict.inferred, "of those published have detections"),
      sum("waiting", verdict.waiting, "of those published are still to come"),
      sum("dead letters", verdict.dead_lettered, "of those published were refused, with the reason"),
      sum("pictures", verdict.pictures, "are in S3"),
      sum(
        "missing pictures",
        verdict.missing_pictures,
        "were promised, and are not there",
        verdict.missing_pictures > 0,
      ),
    ),
  );
}

/** @param {string} name @param {number} value @param {string} words @param {boolean} [isBad] */
function sum(name, value, words, isBad = false) {
  return el(
    "tr",
    { class: isBad ? "bad" : false },
    el("th", { scope: "row" }, name),
    el("td", { class: "number" }, count(value)),
    el("td", { class: "muted" }, words),
  );
}

/** @returns {Node[]} */
function noVerdict() {
  return [
    head("No verdict yet"),
    el(
      "p",
      {},
      "The ledger compares every captured frame with what Kafka and S3 hold. It has not published a verdict.",
    ),
    el(
      "p",
      { class: "hint" },
      icon("ledger"),
      el("code", {}, "framerail ledger --since 2m --every 30s --publish"),
    ),
  ];
}
