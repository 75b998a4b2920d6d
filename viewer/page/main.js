// @ts-check
// Wires the page: what the viewer tells goes to the header, the pipeline, and the view that is open.

import { Losses, overall, sentence } from "./attention.js";
import { byId, show } from "./dom.js";
import { clock } from "./format.js";
import { Announcer, ConnectionSign, isPlainlyLost, OverallSentence, showProblems } from "./header.js";
import { Ledger } from "./ledger.js";
import { Live } from "./live.js";
import { hearNow, nowMs } from "./now.js";
import { Pictures } from "./pictures.js";
import { Pipeline } from "./pipeline.js";
import { startRouter } from "./router.js";
import { StreamView } from "./stream.js";
import { startTheme } from "./theme.js";
import { WallView } from "./wall.js";
/** @import { Overall } from "./attention.js" */
/** @import { Wall } from "./types.js" */

const TICK_MS = 1000;

class Page {
  constructor() {
    this.announcer = new Announcer();
    this.losses = new Losses();
    this.pictures = new Pictures();
    this.sentence = new OverallSentence();
    this.ledger = new Ledger();
    this.pipeline = new Pipeline();
    this.wallView = new WallView(this.pictures, this.losses);
    this.streamView = new StreamView(byId("stream-view"), this.pictures, this.losses);
    this.sign = new ConnectionSign(() => this.live.retryNow(), this.announcer);
    this.live = new Live(
      (wall) => this.show(wall),
      () => this.showConnection(),
    );
    /** @type {Wall | null} */
    this.wall = null;
    /** @type {string | null} */
    this.streamId = null;
    /** @type {Overall | null} */
    this.said = null;
    this.needing = 0;
    this.wallScroll = 0;
  }

  start() {
    byId("skip").addEventListener("click", (event) => this.skip(event));
    startTheme();
    startRouter((streamId, isFirst) => this.go(streamId, isFirst));
    this.live.start();
    window.setInterval(() => this.tick(), TICK_MS);
  }

  /** @param {Wall} wall */
  show(wall) {
    this.wall = wall;
    hearNow(wall.at_ms);
    this.losses.note(wall);
    const said = overall(wall, this.losses);
    this.needing = said.named.length + said.unnamed;
    this.said = said;
    this.showSentence();
    this.announcer.say(sentence(said));
    showProblems(wall.problems);
    this.ledger.update(wall.ledger, nowMs());
    this.pipeline.update(wall);
    this.wallView.update(wall, nowMs());
    this.streamView.hear(wall);
    this.setTitle();
    this.pictures.pump();
  }

  /** Ages and countdowns go on while nothing is heard. */
  tick() {
    this.showConnection();
    if (this.live.connection.kind === "live" || this.wall === null) return;
    this.ledger.update(this.wall.ledger, nowMs());
    this.wallView.update(this.wall, nowMs());
    this.streamView.tick();
    this.pictures.pump();
  }

  showSentence() {
    const { connection } = this.live;
    if (this.said === null) return;
    this.sentence.update(this.said, isPlainlyLost(connection, true) ? clock(connection.sinceMs) : "");
  }

  showConnection() {
    this.showSentence();
    this.sign.update(this.live.connection, this.wall !== null);
    if (this.wall === null && this.live.connection.kind === "lost") this.wallView.showBroken();
  }

  /** @param {string | null} streamId @param {boolean} isFirst */
  go(streamId, isFirst) {
    const from = this.streamId;
    if (from === null && streamId !== null) this.wallScroll = window.scrollY;
    this.streamId = streamId;
    show(byId("wall-view"), streamId === null);
    if (streamId === null) this.streamView.close();
    else this.streamView.open(streamId, this.wall);
    this.setTitle();
    if (!isFirst) this.focus(from);
  }

  /**
   * A reader's place: the title of a stream that was opened, or the tile that was come from.
   * @param {string | null} from
   */
  focus(from) {
    if (this.streamId !== null) {
      window.scrollTo(0, 0);
      this.streamView.focus();
      return;
    }
    window.scrollTo(0, this.wallScroll);
    const link = from === null ? undefined : this.wallView.linkOf(from);
    (link ?? byId("wall-title")).focus({ preventScroll: true });
  }

  /** Not by the address: the hash is the route. @param {Event} event */
  skip(event) {
    event.preventDefault();
    const target = this.streamId === null ? byId("streams-title") : byId("main");
    target.tabIndex = -1;
    target.focus();
    target.scrollIntoView();
  }

  setTitle() {
    const count = this.needing > 0 ? `(${this.needing}) ` : "";
    const title = this.streamId === null ? `${count}framerail` : `${count}${this.streamId} – framerail`;
    if (document.title !== title) document.title = title;
  }
}

new Page().start();
