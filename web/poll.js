// SPDX-License-Identifier: MIT
// Asks again and again, one request at a time, and rests while the page is hidden.

/** `ask(signal)` returns a promise; onData and onError get what came of it. */
export class Poller {
  /** How long to rest between an answer and the next question; may be changed at any time. */
  everyMs;

  #ask;
  #onData;
  #onError;
  #controller = null;
  #timer = 0;

  constructor({ ask, everyMs, onData, onError }) {
    this.#ask = ask;
    this.everyMs = everyMs;
    this.#onData = onData;
    this.#onError = onError;
    document.addEventListener("visibilitychange", () => {
      if (this.#controller && !document.hidden) this.start();
    });
  }

  /** Asks now, forgetting an answer that is still under way. */
  start() {
    this.stop();
    this.#controller = new AbortController();
    this.#turn(this.#controller);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#controller = null;
  }

  get running() {
    return this.#controller !== null;
  }

  async #turn(controller) {
    let data;
    let error = null;
    try {
      data = await this.#ask(controller.signal);
    } catch (caught) {
      error = caught;
    }
    if (this.#controller !== controller) return;
    if (error) this.#onError(error);
    else this.#onData(data);
    if (this.#controller !== controller) return; // the handler stopped or restarted it
    this.#timer = setTimeout(() => {
      if (!document.hidden) this.#turn(controller);
    }, this.everyMs);
  }
}
