// Refreshes a view again and again, one refresh at a time: less often while the page is hidden, and with
// growing pauses while the API is unreachable.

import { Unreachable } from "./api.js";

const MAX_PAUSE = 10_000;

export class Poller {
  /**
   * @param refresh asks the API and shows what it returns; async.
   * @param pause returns the milliseconds until the next refresh; null if nothing will change any more.
   * @param onError is called with what `refresh` threw, or with null after a success.
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

  /** Refresh now, or as soon as the current refresh is done. */
  soon() {
    if (this.running) return (this.isDueAgain = true, this.running);
    clearTimeout(this.timer);
    this.running = this.once();
    return this.running;
  }

  async once() {
    do {
      this.isDueAgain = false;
      try {
        await this.refresh();
        this.failures = 0;
        if (!this.stopped) this.onError(null);
      } catch (error) {
        this.failures += 1;
        if (!this.stopped) this.onError(error);
        if (!(error instanceof Unreachable)) this.failures = Math.max(this.failures, 3);
      }
    } while (this.isDueAgain && !this.stopped);
    this.running = null;
    if (this.stopped) return;
    const pause = this.failures ? Math.min(MAX_PAUSE, 500 * 2 ** this.failures) : this.pause();
    if (pause !== null) this.timer = setTimeout(() => this.soon(), document.hidden ? Math.max(pause, 5000) : pause);
  }
}
