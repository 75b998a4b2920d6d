// @ts-check
// Every address that the page asks; relative, so that it also works below a path of a proxy.

/** An S3 key as a path: its slashes stay, everything else is encoded. @param {string} key */
const encodedKey = (key) => key.split("/").map(encodeURIComponent).join("/");

export const EVENTS = "api/events";
export const WALL = "api/wall";

/** @param {string} streamId */
export const streamAddress = (streamId) => `api/streams/${encodeURIComponent(streamId)}`;

/** @param {string} key */
export const pictureAddress = (key) => `pictures/${encodedKey(key)}`;

/** @param {string} key */
export const s3Address = (key) => `s3/${encodedKey(key)}`;

/** @param {string} streamId */
export const streamPage = (streamId) => `#/streams/${encodeURIComponent(streamId)}`;
