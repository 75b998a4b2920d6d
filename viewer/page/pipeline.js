// @ts-check
// The pipeline as a rail with four stages and the places between them, and the services that run it.

import { el, icon, byId, KeyedList, setAttribute, setIcon, setText, show } from "./dom.js";
import { isHurtService } from "./attention.js";
import { count, plural, rate, span } from "./format.js";
import { STAGES } from "./words.js";
/** @import { ServiceHealth, Stage, Wall } from "./types.js" */

/** @typedef {{place: string, of: string, icon: string} | {stage: string}} Stop */

/** @type {Stop[]} */
const STOPS = [
  { place: "cameras", of: "RTSP", icon: "camera" },
  { stage: "capture" },
  { stage: "publish" },
  { place: "Kafka", of: "frames", icon: "kafka" },
  { stage: "infer" },
  { place: "Kafka", of: "results", icon: "kafka" },
  { stage: "store" },
  { place: "S3", of: "pictures", icon: "s3" },
];

class StageStop {
  /** @param {string} name */
  constructor(name) {
    this.rate = el("span", { class: "stage-figure" });
    this.behind = el("span", { class: "stage-behind" });
    this.inHand = el("span", { class: "stage-hand" });
    this.worst = el("span", { class: "stage-worst", hidden: true }, icon("behind"), "waits most here");
    const words = STAGES[name];
    this.node = el(
      "li",
      { class: "stop stop--stage", "data-stage": name, title: words.does },
      el("span", { class: "stop-mark", "aria-hidden": "true" }),
      el(
        "div",
        { class: "stage" },
        el("h3", { class: "stage-name" }, name, ...(name === "infer" ? [triton()] : [])),
        el("p", { class: "stage-rate" }, this.rate, el("span", { class: "unit" }, ` ${words.unit}`)),
        el("p", { class: "stage-lag" }, this.behind, this.inHand),
        this.worst,
      ),
    );
    this.update(undefined, false);
  }

  /** @param {Stage | undefined} stage @param {boolean} isWorst */
  update(stage, isWorst) {
    setText(this.rate, rate(stage?.rate));
    setText(this.behind, stage?.behind_s == null ? "" : `${span(stage.behind_s)} behind`);
    const hand = stage?.in_hand;
    setText(this.inHand, hand == null ? "" : handWords(hand, stage?.unit ?? "frames"));
    setAttribute(this.node, "data-flow", flow(stage));
    setAttribute(this.node, "data-worst", isWorst);
    show(this.worst, isWorst);
  }
}

function triton() {
  return el("span", { class: "stage-on" }, " on ", icon("triton"), "Triton");
}

/** @param {number} hand @param {Stage["unit"]} unit */
function handWords(hand, unit) {
  const one = { frames: "frame", batches: "batch", results: "result" }[unit] ?? unit;
  return `${hand === 1 ? plural(1, one) : `${count(hand)} ${unit}`} in hand`;
}

/** Seconds behind the camera from which a stage is late: storing has no stream's state to show it. */
const LATE_S = 15;

/** @param {Stage | undefined} stage */
function flow(stage) {
  if (stage?.rate == null) return "unknown";
  return stage.rate > 0 ? "flowing" : "still";
}

/**
 * The stage where the delay grows most, if any stream or stage is behind.
 * @param {Wall} wall
 * @returns {string | null}
 */
export function slowestStage(wall) {
  const isLate = wall.stages.some(({ behind_s: behind }) => behind !== null && behind > LATE_S);
  if (!isLate && !wall.streams.some(({ state }) => state === "behind")) return null;
  let before = 0;
  let worst = { name: /** @type {string | null} */ (null), growth: 1 };
  for (const { name, behind_s: behind } of wall.stages) {
    if (behind === null) continue;
    if (behind - before > worst.growth) worst = { name, growth: behind - before };
    before = behind;
  }
  return worst.name;
}

export class Pipeline {
  constructor() {
    /** @type {Map<string, StageStop>} */
    this.stages = new Map();
    const rail = byId("rail");
    for (const stop of STOPS) rail.append("stage" in stop ? this.addStage(stop.stage) : place(stop));
    /** @type {KeyedList<ServiceHealth>} */
    this.services = new KeyedList(byId("services"), serviceRow);
  }

  /** @param {string} name */
  addStage(name) {
    const stop = new StageStop(name);
    this.stages.set(name, stop);
    return stop.node;
  }

  /** @param {Wall} wall */
  update(wall) {
    const slowest = slowestStage(wall);
    for (const [name, stop] of this.stages) {
      stop.update(
        wall.stages.find((stage) => stage.name === name),
        name === slowest,
      );
    }
    show(byId("services-room"), wall.services.length > 0);
    this.services.render(wall.services.map((service) => [service.name, service]));
  }
}

/** @param {{place: string, of: string, icon: string}} stop */
function place(stop) {
  return el(
    "li",
    { class: "stop stop--place" },
    el("span", { class: "stop-mark", "aria-hidden": "true" }, icon(stop.icon)),
    el("p", { class: "place" }, stop.place, el("span", { class: "place-of" }, ` ${stop.of}`)),
  );
}

/** @param {string} name */
function serviceRow(name) {
  const sign = icon("check");
  const answers = el("span", { class: "service-answers" });
  const problem = el("span", { class: "service-problem" });
  const node = el(
    "li",
    { class: "service" },
    sign,
    el("span", { class: "service-name" }, name),
    answers,
    problem,
  );
  /** @param {ServiceHealth} service */
  const update = (service) => {
    const isHurt = isHurtService(service);
    setAttribute(node, "data-hurt", isHurt);
    setIcon(node, isHurt ? "alert" : "check");
    setText(answers, service.known === 0 ? "nothing found" : `${service.answering} of ${service.known}`);
    setText(problem, service.problem ?? "");
    show(problem, service.problem !== null);
  };
  return { node, update };
}
