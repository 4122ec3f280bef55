// SPDX-License-Identifier: MIT
// The rows of the top list. Rows are kept by hashtag and moved, never built anew, so that focus
// stays where it is and a change of rank can be seen as a movement.

import { byId, el, icon, setAttribute, setTag, setText, tagNode, tagText, visible } from "./dom.js";
import { Sparkline } from "./chart.js";
import { ago, count, dateTime } from "./format.js";
import { encodeTag } from "./api.js";

const MOVE_MS = 450;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

export class TopList {
  #body = byId("rows-body");
  #rows = new Map();
  #order = [];
  #current = null;
  #onDelete;

  constructor({ onDelete }) {
    this.#onDelete = onDelete;
    this.#body.addEventListener("focusin", (event) => {
      const row = event.target.closest("tr");
      if (row) this.#setCurrent(row.hashtag);
    });
  }

  /** The hashtags shown, first to last. */
  get tags() {
    return this.#order;
  }

  /** The hashtag that the keyboard stands on, or null. */
  get current() {
    return this.#current;
  }

  /** The item as last shown. */
  item(tag) {
    return this.#rows.get(tag)?.item ?? null;
  }

  /** Shows these items; `change(item)` tells the change of rank; `move` allows movement. */
  render(items, { change, move }) {
    const before = new Map(this.#order.map((tag, index) => [tag, index]));
    const most = items.reduce((top, item) => Math.max(top, item.count), 1);
    const order = items.map((item) => item.hashtag);
    const wanted = new Set(order);
    const lost = this.#drop(wanted);
    for (const item of items) {
      if (!this.#rows.has(item.hashtag)) this.#rows.set(item.hashtag, this.#build(item.hashtag));
      update(this.#rows.get(item.hashtag), item, most, change(item));
    }
    this.#place(order);
    this.#order = order;
    this.#keepCurrent(before, lost);
    if (move && before.size > 0 && !stillness.matches && !document.hidden) this.#animate(before);
  }

  /** Brings "last seen" up to date; meant for every second. */
  tick() {
    for (const tag of this.#order) {
      const row = this.#rows.get(tag);
      setText(row.seen, ago(row.item.last_seen));
    }
  }

  /** Marks a hashtag as deleted while the list is held still. */
  markGone(tag) {
    const row = this.#rows.get(tag);
    if (!row) return;
    row.tr.classList.add("gone");
    row.remove.disabled = true;
  }

  /** Moves the keyboard's place by that many rows and focuses it. */
  step(by) {
    if (this.#order.length === 0) return;
    const at = this.#order.indexOf(this.#current);
    const focused = this.#body.contains(document.activeElement);
    const to = !focused && (at < 0 || by === 0) ? Math.max(at, 0) : at + by;
    this.#focus(Math.min(this.#order.length - 1, Math.max(0, to)));
  }

  first() {
    this.#focus(0);
  }

  last() {
    this.#focus(this.#order.length - 1);
  }

  /** Focuses the row of that hashtag, or the one in its place. */
  focusTag(tag) {
    const at = this.#order.indexOf(tag);
    this.#focus(at >= 0 ? at : Math.max(0, this.#order.indexOf(this.#current)));
  }

  #focus(index) {
    const row = this.#rows.get(this.#order[index]);
    if (!row) return;
    row.link.focus({ preventScroll: true });
    row.tr.scrollIntoView({ block: "nearest" });
  }

  #build(tag) {
    const rank = el("td", { class: "c-rank" });
    const change = el("td", { class: "c-change" });
    const name = tagNode(tag);
    const link = el("a", { class: "tag-link", href: `#/tag/${encodeTag(tag)}`, tabindex: "-1" }, name);
    const bar = el("div", { class: "bar" });
    const number = el("td", { class: "c-count" });
    const spark = new Sparkline();
    const seen = el("td", { class: "c-seen" });
    const remove = el("button", { type: "button", class: "icon-button", tabindex: "-1",
      "aria-label": `Delete ${tagText(tag)}`, title: `Delete #${visible(tag)}`,
      "aria-haspopup": "dialog", onclick: () => this.#onDelete(tag) }, icon("remove"));
    const tr = el("tr", {}, rank, change,
      el("th", { scope: "row", class: "c-tag" }, link),
      el("td", { class: "c-bar" }, bar), number,
      el("td", { class: "c-spark" }, spark.node), seen, el("td", { class: "c-act" }, remove));
    tr.hashtag = tag;
    setTag(name, tag);
    return { tr, rank, change, link, bar, number, spark, seen, remove, item: null };
  }

  #drop(wanted) {
    let lost = null;
    for (const [tag, row] of this.#rows) {
      if (wanted.has(tag)) continue;
      if (row.tr.contains(document.activeElement)) lost = tag;
      row.tr.remove();
      this.#rows.delete(tag);
    }
    return lost;
  }

  // Puts the rows in order. The row that has the focus stays in the document where it is (a moved
  // node loses the focus): its neighbours are moved around it.
  #place(order) {
    const focused = document.activeElement?.closest?.("tr") ?? null;
    let cursor = this.#body.firstChild;
    for (const tag of order) {
      const { tr } = this.#rows.get(tag);
      if (tr === focused) {
        while (cursor !== tr) {
          const next = cursor.nextSibling;
          this.#body.append(cursor);
          cursor = next;
        }
      }
      if (tr === cursor) cursor = cursor.nextSibling;
      else this.#body.insertBefore(tr, cursor);
    }
  }

  #keepCurrent(before, lost) {
    if (!this.#rows.has(this.#current)) {
      const at = Math.min(before.get(this.#current) ?? 0, this.#order.length - 1);
      this.#setCurrent(this.#order[Math.max(0, at)] ?? null);
    }
    if (lost !== null && this.#current !== null) this.focusTag(this.#current);
  }

  // One row is a stop of the tab key, the others are reached from it.
  #setCurrent(tag) {
    if (tag === this.#current && tag !== null) return;
    for (const [name, index] of [[this.#current, "-1"], [tag, "0"]]) {
      const row = this.#rows.get(name);
      if (!row) continue;
      setAttribute(row.link, "tabindex", index);
      setAttribute(row.remove, "tabindex", index);
    }
    this.#current = tag;
  }

  // FLIP without measuring each row: rows are equally high, so the way is a difference of indexes.
  // The animations add up, so that a row which is still moving goes on from where it is.
  #animate(before) {
    const box = this.#body.getBoundingClientRect();
    const height = box.height / Math.max(1, this.#order.length);
    const first = Math.floor(-box.top / height) - 2;
    const last = Math.ceil((innerHeight - box.top) / height) + 2;
    const inView = (index) => index >= first && index <= last;
    this.#order.forEach((tag, index) => {
      const old = before.get(tag);
      if (old === index || !(inView(index) || (old !== undefined && inView(old)))) return;
      const { tr } = this.#rows.get(tag);
      if (old === undefined) {
        tr.animate([{ opacity: 0 }, { opacity: 1 }], { duration: MOVE_MS, easing: "ease-out" });
        return;
      }
      tr.animate(
        [{ transform: `translateY(${(old - index) * height}px)` }, { transform: "translateY(0)" }],
        { duration: MOVE_MS, easing: "cubic-bezier(.2, 0, 0, 1)", composite: "add" });
    });
  }
}

function update(row, item, most, change) {
  row.item = item;
  row.tr.classList.remove("gone");
  row.remove.disabled = false;
  setText(row.rank, count(item.rank));
  setText(row.number, count(item.count));
  setText(row.seen, ago(item.last_seen));
  setAttribute(row.seen, "title", dateTime(item.last_seen));
  row.bar.style.setProperty("--share", String(item.count / most));
  row.spark.draw(item.series);
  showChange(row.change, change);
}

function showChange(cell, change) {
  const key = String(change);
  if (cell.dataset.change === key) return;
  cell.dataset.change = key;
  cell.dataset.way = change === "new" ? "new" : change > 0 ? "up" : change < 0 ? "down" : "same";
  if (change === null || change === 0) {
    cell.replaceChildren(el("span", { "aria-hidden": "true", text: change === 0 ? "=" : "" }),
      el("span", { class: "sr", text: change === 0 ? "unchanged" : "" }));
    return;
  }
  if (change === "new") {
    cell.replaceChildren("new");
    return;
  }
  const up = change > 0;
  cell.replaceChildren(el("span", { "aria-hidden": "true", text: up ? "▲" : "▼" }),
    el("span", { class: "sr", text: up ? "up " : "down " }), count(Math.abs(change)));
}
