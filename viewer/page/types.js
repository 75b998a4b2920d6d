// @ts-check
// The shapes that the viewer serves, as contracts/wall.py defines them; a test keeps them equal.

/** @typedef {"live" | "behind" | "silent" | "reconnecting"} StreamState */

/**
 * @typedef {object} Picture
 * @property {string} key
 * @property {number} offset
 * @property {number} captured_ms
 * @property {number} detections
 */

/**
 * @typedef {object} StreamTile
 * @property {string} stream_id
 * @property {StreamState} state
 * @property {number | null} captured_fps
 * @property {number | null} published_fps
 * @property {number | null} inferred_fps
 * @property {number | null} behind_s
 * @property {Record<string, number>} dropped
 * @property {number | null} dropped_fps
 * @property {number} reconnects
 * @property {number | null} captured_ms
 * @property {Record<string, number>} now
 * @property {Picture | null} picture
 */

/**
 * @typedef {object} Stage
 * @property {"capture" | "publish" | "infer" | "store"} name
 * @property {number | null} rate
 * @property {number | null} behind_s
 * @property {number | null} in_hand
 * @property {"frames" | "batches" | "results"} unit
 */

/**
 * @typedef {object} ServiceHealth
 * @property {string} name
 * @property {number} answering
 * @property {number} known
 * @property {string | null} problem
 */

/**
 * @typedef {object} LedgerVerdict
 * @property {boolean} closed
 * @property {number} at_ms
 * @property {number | null} since_ms
 * @property {number} streams
 * @property {number} captured
 * @property {number} published
 * @property {number} replayed
 * @property {number} dropped
 * @property {number} inferred
 * @property {number} waiting
 * @property {number} dead_lettered
 * @property {number} pictures
 * @property {number} missing_pictures
 * @property {string[]} problems
 * @property {string[]} notes
 */

/**
 * @typedef {object} Wall
 * @property {number} v
 * @property {number} at_ms
 * @property {StreamTile[]} streams
 * @property {Stage[]} stages
 * @property {ServiceHealth[]} services
 * @property {LedgerVerdict | null} ledger
 * @property {string} bucket
 * @property {string[]} problems
 */

/**
 * @typedef {object} BatchView
 * @property {string} batch_id
 * @property {number} first_offset
 * @property {number} last_offset
 * @property {string} closed_by
 * @property {string} model
 * @property {number[]} captured_ms
 * @property {number[]} detections
 * @property {Record<string, number>} counts
 * @property {number} not_inferred
 * @property {number} inferred_ms
 * @property {number} gather_ms
 * @property {number} decode_ms
 * @property {number} infer_ms
 * @property {boolean} is_stored
 * @property {Picture[]} pictures
 */

/**
 * @typedef {object} StreamDetail
 * @property {number} v
 * @property {number} at_ms
 * @property {StreamTile} stream
 * @property {BatchView[]} batches
 */

export {};
