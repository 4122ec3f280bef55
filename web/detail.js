// SPDX-License-Identifier: MIT
// A hashtag's own view: every window with its rank, two series, first and last seen.

import { request, tagPath } from "./api.js";
import { ColumnChart } from "./chart.js";
import { byId, el, setAttribute, setText, setTag, tagNode, tagText, visible } from "./dom.js";
import { ago, count, dateTime, duration, now } from "./format.js";
import { announce } from "./notices.js";
import { Poller } from "./poll.js";

const EVERY_MS = 2000;
const WINDOWS = [["5m", "5 minutes"], ["1h", "1 hour"], ["24h", "24 hours"], ["all", "All time"]];

export class Detail {
  #root = byId("detail-view");
  #tag = null;
  #item = null;
  #parts = null;
  #onDelete;
  #poller;

  constructor({ onDelete }) {
    this.#onDelete = onDelete;
    this.#poller = new Poller({
      ask: (signal) => request("GET", tagPath(this.#tag), { signal }),
      everyMs: EVERY_MS,
      onData: (item) => this.#show(item),
      onError: (error) => this.#failed(error),
    });
  }

  /** The hashtag shown, or null. */
  get tag() {
    return this.#tag;
  }

  /** Its item as last seen, or null. */
  get item() {
    return this.#item;
  }

  open(tag) {
    this.#tag = tag;
    this.#item = null;
    this.#build(tag);
    this.#root.hidden = false;
    this.#poller.start();
    this.#parts.title.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  close() {
    this.#tag = null;
    this.#item = null;
    this.#poller.stop();
    this.#root.hidden = true;
    this.#root.replaceChildren();
  }

  /** Asks at once: it was deleted, or the connection is back. */
  refresh() {
    if (this.#tag !== null) this.#poller.start();
  }

  onConnected(connected) {
    this.#root.classList.toggle("stale", !connected);
    if (this.#tag === null) return;
    if (connected) this.#poller.start();
    else this.#poller.stop();
  }

  tick() {
    if (this.#item) this.#showTimes();
  }

  #build(tag) {
    const name = tagNode(tag);
    const title = el("h2", { id: "detail-title", tabindex: "-1" }, name);
    const message = el("div", { class: "detail-message", hidden: true });
    const windows = el("dl", { class: "windows" });
    const figures = new Map(WINDOWS.map(([key, label]) => {
      const number = el("dd", { class: "window-count", text: "–" });
      const rank = el("dd", { class: "window-rank", text: "" });
      windows.append(el("div", {}, el("dt", { text: label }), number, rank));
      return [key, { number, rank }];
    }));
    const hour = new ColumnChart({ title: "Last 60 minutes, a column a minute", labelEvery: 600 });
    const daily = new ColumnChart({ title: "Last 24 hours, a column each half hour",
      labelEvery: 10800 });
    const times = el("dl", { class: "facts" });
    const remove = el("button", { type: "button", class: "danger-quiet", text: "Delete…",
      "aria-haspopup": "dialog", "aria-keyshortcuts": "Delete",
      onclick: () => this.#onDelete(this.#tag) });
    const body = el("div", { class: "detail-body" }, windows, hour.node, daily.node, times);
    this.#parts = { title, name, message, figures, hour, daily, times, remove, body };
    this.#root.replaceChildren(
      el("p", { class: "back" }, el("a", { href: "#/", text: "← Top hashtags" }),
        el("kbd", { "aria-hidden": "true", text: "Esc" })),
      el("div", { class: "detail-head" }, title, remove), message, body);
  }

  #show(item) {
    const first = this.#item === null;
    this.#item = item;
    const { name, message, figures, hour, daily, body, remove } = this.#parts;
    message.hidden = true;
    body.hidden = false;
    remove.disabled = false;
    if (item.hashtag !== this.#tag) setTag(name, item.hashtag);
    for (const [key, { number, rank }] of figures) {
      setText(number, count(item.windows[key]));
      setText(rank, rankText(item.windows[key], item.ranks[key]));
    }
    hour.draw(item.series);
    daily.draw(item.series_24h);
    this.#showTimes();
    if (first) announce(`${tagText(item.hashtag)}: ${count(item.count)} in all.`);
  }

  #showTimes() {
    const { first_seen: first, last_seen: last, expires_at: expires } = this.#item;
    const rows = [["First seen", first, ago(first)], ["Last seen", last, ago(last)]];
    if (expires) rows.push(["Deleted by itself", expires, `in ${duration(expires - now())}`]);
    const box = this.#parts.times;
    if (box.children.length !== rows.length) {
      box.replaceChildren(...rows.map(() => el("div", {}, el("dt"), el("dd"))));
    }
    rows.forEach(([name, at, relative], index) => {
      const [term, text] = box.children[index].children;
      setText(term, name);
      setText(text, at > 0 ? `${dateTime(at)} (${relative})` : "–");
    });
  }

  #failed(error) {
    if (error.status === 0 || error.status === 401) return; // the banner tells
    const { message, body, remove } = this.#parts;
    const gone = error.status === 404;
    body.hidden = gone || this.#item === null;
    remove.disabled = gone;
    message.hidden = false;
    if (gone) this.#item = null;
    const text = gone
      ? `The table has no hashtag #${visible(this.#tag)}. It was deleted or has expired, or nobody has used it yet.`
      : error.message;
    setAttribute(message, "data-status", String(error.status));
    if (message.firstChild?.textContent === text) return;
    message.replaceChildren(el("p", { text }), gone
      ? el("p", { text: "This page looks again every two seconds." }) : "");
    announce(text);
  }
}

function rankText(number, rank) {
  if (!number) return "not seen";
  return rank === null || rank === undefined ? "rank beyond 1,000" : `rank ${count(rank)}`;
}
