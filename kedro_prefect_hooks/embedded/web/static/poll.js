// Asks again and again, one question at a time: less often while nobody looks, with growing pauses while the
// API is away.

import { Unreachable } from "./api.js";

const LONGEST_PAUSE = 10_000;

export class Poller {
  /**
   * @param refresh asks and shows; async.
   * @param pause milliseconds until the next time; a function.
   * @param onError gets what `refresh` threw, or null after a success.
   */
  constructor(refresh, pause, onError) {
    this.refresh = refresh;
    this.pause = pause;
    this.onError = onError;
    this.failures = 0;
    this.stopped = false;
    this.wake = () => !document.hidden && this.soon();
    document.addEventListener("visibilitychange", this.wake);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.wake);
  }

  /** Now, or as soon as what is under way is done. */
  soon() {
    if (this.running) return (this.again = true, this.running);
    clearTimeout(this.timer);
    this.running = this.once();
    return this.running;
  }

  async once() {
    do {
      this.again = false;
      try {
        await this.refresh();
        this.failures = 0;
        if (!this.stopped) this.onError(null);
      } catch (error) {
        this.failures += 1;
        if (!this.stopped) this.onError(error);
        if (!(error instanceof Unreachable)) this.failures = Math.max(this.failures, 3);
      }
    } while (this.again && !this.stopped);
    this.running = null;
    if (this.stopped) return;
    const pause = this.failures ? Math.min(LONGEST_PAUSE, 500 * 2 ** this.failures) : this.pause();
    this.timer = setTimeout(() => this.soon(), document.hidden ? Math.max(pause, 5000) : pause);
  }
}
