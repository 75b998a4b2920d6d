// @ts-check
// Turns the address's hash into a view: `#/` the wall, `#/streams/<id>` one stream.

/** @returns {string | null} the stream that the address names, null for the wall */
export function streamInAddress() {
  const match = /^#\/streams\/(.+)$/.exec(window.location.hash);
  if (match === null) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}

/** Whether the hash is of ours, not an anchor such as the skip link's. */
export function isRoute() {
  return window.location.hash === "" || window.location.hash.startsWith("#/");
}

/** @param {(streamId: string | null, isFirst: boolean) => void} go called now, and at every change */
export function startRouter(go) {
  window.addEventListener("hashchange", () => isRoute() && go(streamInAddress(), false));
  go(streamInAddress(), true);
}
