// @ts-check
// What states, drop reasons and ends of batches mean, in words, and what a person may do about them.

/** @typedef {{word: string, icon: string, meaning: string}} StateWords */
/** @typedef {"calm" | "notice" | "loss"} DropKind */
/** @typedef {{kind: DropKind, meaning: string, act: string}} ReasonWords */

/** @type {Record<string, StateWords>} */
const STATES = {
  live: { word: "live", icon: "live", meaning: "Frames come, and results keep up with them." },
  behind: { word: "behind", icon: "behind", meaning: "Frames come, but their results are late." },
  silent: {
    word: "silent",
    icon: "silent",
    meaning: "No frame comes, though the camera counts as connected, or nobody tells of it.",
  },
  reconnecting: {
    word: "reconnecting",
    icon: "reconnecting",
    meaning: "No connection to the camera. The producer keeps trying, with growing waits; its log says why.",
  },
};

/** @param {string} state @returns {StateWords} */
export function stateWords(state) {
  return STATES[state] ?? { word: state, icon: "alert", meaning: "A state that this page does not know." };
}

/** @type {Record<string, ReasonWords>} */
const REASONS = {
  paced: {
    kind: "calm",
    meaning: "Above the stream's max_fps: left out as intended.",
    act: "Nothing. Raise max_fps in streams.yaml for more frames.",
  },
  frozen: {
    kind: "notice",
    meaning: "The camera repeated one identical picture for too long; one is kept now and then.",
    act: "Look at the camera: it may hang, or show a still picture.",
  },
  overload: {
    kind: "loss",
    meaning: "Inference, or the producer's machine, is slower than the cameras.",
    act: "Lower max_fps, or add consumers and model servers: framerail plan tells how many.",
  },
  backlog: {
    kind: "loss",
    meaning: "Kafka took frames more slowly than the camera gave them, and the buffer was full.",
    act: "Look at the brokers' load and disks, and at the network to them.",
  },
  corrupt: {
    kind: "loss",
    meaning: "What came from the camera could not be decoded.",
    act: "Ask framerail doctor about the camera; packets lost on the way are the usual cause.",
  },
  oversized: {
    kind: "loss",
    meaning: "The picture is larger than FRAMERAIL_MAX_FRAME_BYTES allows.",
    act: "Set max_width or a lower jpeg_quality: framerail preflight checks every limit.",
  },
  undelivered: {
    kind: "loss",
    meaning: "Kafka refused the frame for good.",
    act: "The producer's log names the error; framerail preflight checks rights and limits.",
  },
};

/** @param {string} reason @returns {ReasonWords} */
export function reasonWords(reason) {
  return (
    REASONS[reason] ?? {
      kind: "loss",
      meaning: "A reason that this page does not know.",
      act: "Look it up in the producer's log.",
    }
  );
}

const KINDS = ["loss", "notice", "calm"];

/**
 * Drops that happened, losses first, then by number.
 * @param {Record<string, number>} dropped
 * @returns {[string, number][]}
 */
export function dropsInOrder(dropped) {
  /** @param {string} reason */
  const rank = (reason) => KINDS.indexOf(reasonWords(reason).kind);
  return Object.entries(dropped)
    .filter(([, number]) => number > 0)
    .sort(([a, n], [b, m]) => rank(a) - rank(b) || m - n || (a < b ? -1 : 1));
}

/** Frames that were lost, without those left out on purpose. @param {Record<string, number>} dropped */
export function lostFrames(dropped) {
  return Object.entries(dropped)
    .filter(([reason]) => reasonWords(reason).kind === "loss")
    .reduce((sum, [, number]) => sum + number, 0);
}

/** @type {Record<string, string>} */
const CLOSED_BY = {
  size: "full",
  age: "age: no more frames came in time",
  session_end: "the camera's session ended",
  window_end: "the replay's end",
};

/** @param {string} closedBy */
export function closedByWords(closedBy) {
  return CLOSED_BY[closedBy] ?? closedBy;
}

/** @type {Record<string, {does: string, unit: string}>} */
export const STAGES = {
  capture: { does: "Frames that the cameras delivered to the producer", unit: "frames/s" },
  publish: { does: "Frames that Kafka has acknowledged", unit: "frames/s" },
  infer: { does: "Frames whose detections are safe in Kafka", unit: "frames/s" },
  store: { does: "Annotated pictures that are safe in S3", unit: "pictures/s" },
};
