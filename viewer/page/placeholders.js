// @ts-check
// What stands where streams would: loading, none yet, no viewer, none that matches.

import { el, icon } from "./dom.js";
import { copyButton } from "./copy.js";

const SKELETONS = 8;
const STREAMS_YAML = `streams:
  - id: gate
    url: rtsp://\${GATE_USER}:\${GATE_PASSWORD}@192.0.2.10:554/stream1
`;

export function loading() {
  const tiles = Array.from({ length: SKELETONS }, () =>
    el(
      "li",
      { class: "tile tile--skeleton" },
      el("div", { class: "picture" }),
      el("div", { class: "bone bone--name" }),
      el("div", { class: "bone bone--line" }),
    ),
  );
  return el(
    "div",
    { "aria-busy": "true" },
    el("p", { class: "unseen" }, "Loading the streams."),
    el("ul", { class: "wall", "aria-hidden": "true" }, ...tiles),
  );
}

/** @param {string} title @param {string} sign @param {...(Node | string)} content */
function placeholder(title, sign, ...content) {
  return el(
    "div",
    { class: "placeholder" },
    el("p", { class: "placeholder-sign", "aria-hidden": "true" }, icon(sign)),
    el("h3", { class: "placeholder-title" }, title),
    ...content,
  );
}

/** @param {string} text */
function command(text) {
  return el("p", { class: "command" }, el("code", {}, text), copyButton(text, "Copy the command"));
}

/** @param {boolean} isBlind whether the viewer said that it cannot see everything */
export function empty(isBlind) {
  const first = isBlind
    ? el(
        "p",
        {},
        "It may be that there is none, or that the viewer cannot see them: read the note above first.",
      )
    : el(
        "p",
        {},
        "The viewer is well, and nobody has captured a frame. ",
        "A stream appears here by itself with its first frame.",
      );
  return placeholder(
    "No stream yet",
    "camera",
    first,
    el(
      "ol",
      { class: "steps" },
      el(
        "li",
        {},
        "List the cameras in ",
        el("code", {}, "streams.yaml"),
        ":",
        el("pre", { class: "block" }, STREAMS_YAML),
      ),
      el("li", {}, "Start the pipeline with them:", command("framerail up --streams streams.yaml")),
      el("li", {}, "Look whether every part runs:", command("framerail status")),
      el("li", {}, "Ask what a camera sends, if it stays silent:", command("framerail doctor 'rtsp://…'")),
    ),
  );
}

export function broken() {
  return placeholder(
    "Nothing to show yet",
    "alert",
    el("p", {}, "This page is here, but nobody tells it about the streams. It keeps trying by itself."),
    el(
      "ol",
      { class: "steps" },
      el("li", {}, "Look whether the viewer runs:", command("framerail status")),
      el(
        "li",
        {},
        "Its log lies where that says. Ask for every frame without it:",
        command("framerail ledger --since 10m"),
      ),
    ),
  );
}

/** @param {() => void} clear */
export function nothingMatches(clear) {
  const button = el("button", { class: "button", type: "button" }, "Show all streams");
  button.addEventListener("click", clear);
  return placeholder("No stream matches", "picture", el("p", {}, "The filter leaves none over."), button);
}
