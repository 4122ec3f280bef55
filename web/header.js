// SPDX-License-Identifier: MIT
// The head of the page: source, connection, figures, the trend, and the banner for trouble.

import { Sparkline } from "./chart.js";
import { byId, el, icon, setAttribute, setText } from "./dom.js";
import { count, countWithin, rate, seconds, timeOfDay } from "./format.js";
import { STATES, typeOf } from "./pipeline.js";

const TREND = 120; // seconds of tweets a second
const FIGURE_MAX = 1e10; // larger counts are shortened, with the whole number as a title

export class Header {
  #trend = new Sparkline("trend-line");
  #history = [];
  #source = null;
  #trendNote = el("p", { class: "trend-note" });

  constructor() {
    byId("trend").append(this.#trend.node, this.#trendNote);
    this.#chip("source", "idle", "Source unknown");
    this.#chip("connection", "starting", "Connecting");
  }

  /** A `rates` event. */
  onRates(rates) {
    this.#history.push(rates.tweets);
    if (this.#history.length > TREND) this.#history.shift();
    setText(byId("figure-tweets"), rate(rates.tweets));
    setText(byId("figure-hashtags"), rate(rates.hashtags));
    setText(byId("figure-lag"), seconds(rates.lag_seconds));
    byId("figure-lag").title = `${count(rates.lag_records)} records behind`;
    this.#trend.draw(this.#history);
    const most = Math.max(...this.#history);
    setText(this.#trendNote, `Tweets a second, last ${
      this.#history.length < TREND ? `${this.#history.length} s` : "2 min"}, most ${rate(most)}`);
  }

  /** How many hashtags are counted in all, and how many different ones. */
  showTotals({ total, distinct }) {
    showCount(byId("figure-total"), total);
    showCount(byId("figure-distinct"), distinct);
  }

  /** A `status` event. */
  onStatus(status) {
    const source = status.parts?.find((part) => part.name === "source");
    if (source) {
      const state = source.state in STATES ? source.state : "unknown";
      this.#source = typeOf(source, status);
      this.#chip("source", state, source.type === "none" || state === "off"
        ? "No source" : `${this.#source}, ${STATES[state]}`);
    }
    setText(byId("foot"), `hashtagd ${status.version}, running since ${timeOfDay(status.started_at)}`);
  }

  /** The connection: "live", "connecting", "waiting", "unauthorized". */
  onConnection(state, text) {
    const shape = { live: "working", connecting: "starting", waiting: "waiting",
      unauthorized: "failed" }[state];
    this.#chip("connection", shape, text);
    if (state === "live" || state === "connecting") return;
    for (const name of ["figure-tweets", "figure-hashtags", "figure-lag"]) setText(byId(name), "–");
    this.#chip("source", "unknown", this.#source ? `${this.#source}, unknown` : "Source unknown");
  }

  #chip(id, state, text) {
    const node = byId(id);
    if (node.dataset.state !== state) {
      node.dataset.state = state;
      node.replaceChildren(icon(state), el("span", { text }));
    }
    setText(node.lastChild, text);
  }
}

function showCount(node, value) {
  setText(node, countWithin(value, FIGURE_MAX));
  setAttribute(node, "title", value >= FIGURE_MAX ? count(value) : null);
}

/** The strip below the head: one trouble at a time, with what to do. */
export class Banner {
  #key = "";

  /** Shows this; the same `kind` again only changes the text, so that a button keeps the focus. */
  show(kind, text, button = null) {
    const node = byId("banner");
    node.hidden = false;
    if (this.#key !== kind) {
      this.#key = kind;
      setAttribute(node, "data-kind", kind);
      const sign = kind === "token" ? "failed" : "waiting";
      node.replaceChildren(icon(sign), el("p", {}), ...(button
        ? [el("button", { type: "button", text: button.text, onclick: button.action })] : []));
    }
    setText(node.querySelector("p"), text);
  }

  hide() {
    this.#key = "";
    byId("banner").hidden = true;
    byId("banner").replaceChildren();
  }
}
