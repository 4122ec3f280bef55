// SPDX-License-Identifier: MIT
// Server-sent events over fetch. EventSource cannot send an Authorization header, so the stream is
// read and parsed here (WHATWG HTML, section 9.2.6), with back-off and jitter between attempts.

import { address, failure, headers } from "./api.js";

const SILENCE_MS = 20000; // the daemon says something every 15 s at the latest
const CONNECT_MS = 10000;
const BACKOFF_MAX_MS = 15000;
const BUFFER_MAX = 4 * 1024 * 1024;

/** A parser: push() takes text in any pieces, onEvent(name, data) gets whole events. */
export function createParser(onEvent, onRetry = () => {}) {
  let buffer = "";
  let first = true;
  let data = [];
  let size = 0;
  let name = "";

  const dispatch = () => {
    if (data.length > 0) onEvent(name || "message", data.join("\n"));
    data = [];
    size = 0;
    name = "";
  };

  const field = (line) => {
    const colon = line.indexOf(":");
    const key = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (key === "data") {
      size += value.length;
      if (size > BUFFER_MAX) throw new Error("An event is too large.");
      data.push(value);
    } else if (key === "event") name = value;
    else if (key === "retry" && /^[0-9]+$/.test(value)) onRetry(Number(value));
  };

  const push = (text) => {
    buffer += text;
    if (first && buffer.length > 0) {
      first = false;
      if (buffer.charCodeAt(0) === 0xfeff) buffer = buffer.slice(1);
    }
    let start = 0;
    for (;;) {
      const end = lineEnd(buffer, start);
      if (end === null) break;
      const line = buffer.slice(start, end.at);
      start = end.next;
      if (line === "") dispatch();
      else if (!line.startsWith(":")) field(line);
    }
    buffer = buffer.slice(start);
    if (buffer.length > BUFFER_MAX) throw new Error("A line of the event stream is too long.");
  };

  return { push };
}

// A CR at the very end of a piece may be half of a CRLF: it waits for the next piece.
function lineEnd(text, from) {
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10) return { at, next: at + 1 };
    if (code === 13) {
      if (at + 1 === text.length) return null;
      return { at, next: text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
    }
  }
  return null;
}

/** How long to wait before attempt number `attempt` (0 is the first again); random is 0..1. */
export function backoff(attempt, base, random) {
  const full = Math.min(BACKOFF_MAX_MS, base * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.75 + random * 0.5));
}

/**
 * One stream that stays connected. States that onState gets: "connecting", "open",
 * "waiting" {until, error}, "unauthorized" {error}.
 */
export class EventStream {
  #query;
  #onEvent;
  #onState;
  #controller = null;
  #timer = 0;
  #attempt = 0;
  #retry = 1000;

  constructor({ query, onEvent, onState }) {
    this.#query = query;
    this.#onEvent = onEvent;
    this.#onState = onState;
  }

  /** Connects, or connects again with the query of now. */
  start() {
    this.stop();
    this.#attempt = 0;
    this.#run();
  }

  /** Connects at once where it was waiting. */
  retryNow() {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#run();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#controller?.abort();
    this.#controller = null;
  }

  async #run() {
    const controller = new AbortController();
    this.#controller = controller;
    this.#onState("connecting", {});
    let error = null;
    try {
      await this.#read(controller);
    } catch (caught) {
      error = caught;
    }
    if (this.#controller !== controller) return; // stopped, or replaced by a newer one
    controller.abort();
    if (error?.status === 401) this.#onState("unauthorized", { error });
    else this.#wait(error);
  }

  #wait(error) {
    let delay = backoff(this.#attempt, this.#retry, Math.random());
    if (error?.retryAfter) delay = Math.max(delay, Math.min(error.retryAfter, 60) * 1000);
    this.#attempt += 1;
    this.#onState("waiting", { until: Date.now() + delay, error });
    this.#timer = setTimeout(() => this.#run(), delay);
  }

  async #read(controller) {
    const watch = watchdog(controller);
    try {
      watch(CONNECT_MS);
      const response = await fetch(address("events", this.#query()), {
        headers: headers({ Accept: "text/event-stream" }),
        cache: "no-store",
        credentials: "omit",
        signal: controller.signal,
      });
      if (!response.ok) throw await failure(response);
      const type = response.headers.get("Content-Type") ?? "";
      if (!type.startsWith("text/event-stream")) throw new Error("The answer is no event stream.");
      await this.#pump(response.body.getReader(), controller, watch);
    } finally {
      watch(0);
    }
  }

  async #pump(reader, controller, watch) {
    const decoder = new TextDecoder();
    let opened = false;
    const parser = createParser((name, data) => {
      if (this.#controller !== controller) return;
      if (!opened) {
        // Only a whole event proves that the daemon serves; until then the back-off goes on.
        opened = true;
        this.#attempt = 0;
        this.#onState("open", {});
      }
      this.#onEvent(name, data);
    }, (ms) => { this.#retry = Math.max(200, Math.min(ms, BACKOFF_MAX_MS)); });
    for (;;) {
      watch(SILENCE_MS);
      const { done, value } = await reader.read();
      if (done) return;
      parser.push(decoder.decode(value, { stream: true }));
    }
  }
}

// watch(ms) gives the connection that long to say something more; watch(0) ends the watch.
function watchdog(controller) {
  let timer = 0;
  return (ms) => {
    clearTimeout(timer);
    if (ms > 0) timer = setTimeout(() => controller.abort(new Error("silence")), ms);
  };
}
