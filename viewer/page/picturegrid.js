// @ts-check
// The last pictures of a stream: when, how many detections, the S3 object as a link, its address to copy.

import { pictureAddress, s3Address } from "./addresses.js";
import { copyButton } from "./copy.js";
import { clipped, el, icon, KeyedList, show, timeOf } from "./dom.js";
import { clock, plural } from "./format.js";
/** @import { BatchView, Picture } from "./types.js" */

const SHOWN = 12;

export class PictureGrid {
  /** @param {string} streamId */
  constructor(streamId) {
    this.streamId = streamId;
    /** @type {string | null} */
    this.bucket = null;
    this.list = el("ul", { class: "shots" });
    this.none = el(
      "p",
      { class: "muted", hidden: true },
      "None yet: a picture appears once the post-processor has stored it.",
    );
    /** @type {KeyedList<Picture>} */
    this.rows = new KeyedList(this.list, () => this.row());
    this.node = el(
      "section",
      { class: "section", "aria-labelledby": "shots-title" },
      el("h2", { class: "section-title", id: "shots-title" }, "Last pictures"),
      this.none,
      this.list,
    );
  }

  /** @param {BatchView[]} batches newest first @param {string} bucket "" where none is named */
  update(batches, bucket) {
    if (bucket !== this.bucket) this.rows.render([]);
    this.bucket = bucket;
    const pictures = batches
      .filter(({ is_stored: isStored }) => isStored)
      .flatMap(({ pictures: ofBatch }) => [...ofBatch].reverse())
      .slice(0, SHOWN);
    this.rows.render(pictures.map((picture) => [picture.key, picture]));
    show(this.none, pictures.length === 0);
  }

  row() {
    const node = el("li", { class: "shot" });
    /** @param {Picture} picture */
    const update = (picture) => {
      if (node.firstChild === null) node.append(...this.content(picture));
    };
    return { node, update };
  }

  /** @param {Picture} picture @returns {Node[]} */
  content(picture) {
    const { key, captured_ms: capturedMs, detections } = picture;
    const alt = `${this.streamId} at ${clock(capturedMs)}: ${plural(detections, "detection")}`;
    const image = el("img", { src: pictureAddress(key), alt, loading: "lazy", decoding: "async" });
    const box = el(
      "a",
      { class: "picture", href: pictureAddress(key), "data-picture": "shown" },
      image,
      el(
        "span",
        { class: "picture-none" },
        icon("picture"),
        el("span", { class: "if-missing" }, "picture cannot be loaded"),
      ),
    );
    image.addEventListener("error", () => (box.dataset.picture = "missing"));
    const address = this.bucket === "" ? key : `s3://${this.bucket}/${key}`;
    return [
      box,
      el(
        "p",
        { class: "shot-head" },
        timeOf(capturedMs),
        el("span", { class: "muted" }, plural(detections, "detection")),
      ),
      el(
        "p",
        { class: "shot-links" },
        clipped(address, key.length - key.lastIndexOf("/"), "shot-key"),
        copyButton(address, `Copy the S3 address of the picture of ${clock(capturedMs)}`),
        el(
          "a",
          {
            class: "button button--icon",
            href: s3Address(key),
            target: "_blank",
            rel: "noopener",
            title: "Open the S3 object",
            "aria-label": `Open the S3 object of the picture of ${clock(capturedMs)}, in a new tab`,
          },
          icon("open"),
        ),
      ),
    ];
  }
}
