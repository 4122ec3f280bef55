// SPDX-License-Identifier: MIT
// The rows of the top list. Rows are kept by hashtag and moved, never built anew, so that focus
// stays where it is and a change of rank can be seen as a movement.

import { byId, el, icon, setAttribute, setTag, setText, tagNode, tagText, visible } from "./dom.js";
import { Sparkline } from "./chart.js";
import { ago, count, countWithin, dateTime } from "./format.js";
import { encodeTag } from "./api.js";

const MOVE_MS = 450;
const COUNT_MAX = 1e12; // larger ones are shortened, with the whole number as a title
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

  /** Shows these items, each with the `change` of its rank; `move` allows movement. */
  render(items, { move }) {
    const before = new Map(this.#order.map((tag, index) => [tag, index]));
    const most = items.reduce((top, item) => Math.max(top, item.count), 1);
    const order = items.map((item) => item.hashtag);
    const signs = String(countWithin(Math.min(most, COUNT_MAX - 1), COUNT_MAX).length);
    if (this.#body.parentNode.style.getPropertyValue("--signs") !== signs) {
      this.#body.parentNode.style.setProperty("--signs", signs);
    }
    const wanted = new Set(order);
    const lost = this.#drop(wanted);
    for (const item of items) {
      if (!this.#rows.has(item.hashtag)) this.#rows.set(item.hashtag, this.#build(item.hashtag));
      update(this.#rows.get(item.hashtag), item, most);
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

  /** Moves the keyboard's place by that many rows; the first step only goes to the place. */
  step(by) {
    if (this.#order.length === 0) return;
    const at = this.#order.indexOf(this.#current);
    const focused = this.#body.contains(document.activeElement);
    const to = focused ? at + by : Math.max(at, 0);
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
    const rank = cell("c-rank");
    const change = cell("c-change");
    const name = tagNode(tag);
    const link = el("a", { class: "tag-link", href: `#/tag/${encodeTag(tag)}`, tabindex: "-1" }, name);
    const bar = el("div", { class: "bar" });
    const number = cell("c-count");
    const spark = new Sparkline();
    const seen = cell("c-seen");
    const remove = el("button", { type: "button", class: "icon-button", tabindex: "-1",
      "aria-label": `Delete ${tagText(tag)}`, title: `Delete #${visible(tag)}`,
      "aria-haspopup": "dialog", onclick: () => this.#onDelete(tag) }, icon("remove"));
    const tr = el("tr", { role: "row" }, rank, change,
      el("th", { role: "rowheader", scope: "row", class: "c-tag" }, link),
      cell("c-bar", bar), number, cell("c-spark", spark.node), seen, cell("c-act", remove));
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

  // Puts the rows in order with as few moves as there can be: the rows of the longest run that is in
  // order already stay. The row that has the focus stays too, for a moved node loses the focus.
  #place(order) {
    const rows = order.map((tag) => this.#rows.get(tag).tr);
    const old = new Map([...this.#body.children].map((tr, index) => [tr, index]));
    const places = rows.map((tr) => old.get(tr) ?? -1);
    const focused = document.activeElement?.closest?.("tr") ?? null;
    const stay = longestRun(places, rows.indexOf(focused));
    let next = null;
    for (let index = rows.length - 1; index >= 0; index -= 1) {
      if (!stay.has(index)) this.#body.insertBefore(rows[index], next);
      next = rows[index];
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
    const height = this.#body.firstElementChild?.offsetHeight ?? 1;
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
      const zIndex = old > index ? 1 : 0; // a row that rises passes over the others
      tr.animate([{ transform: `translateY(${(old - index) * height}px)`, zIndex },
        { transform: "translateY(0)", zIndex }],
        { duration: MOVE_MS, easing: "cubic-bezier(.2, 0, 0, 1)", composite: "add" });
    });
  }
}

// The roles are said in full, for the rows are laid out as grids and lose those of a table by that.
const cell = (name, ...children) => el("td", { role: "cell", class: name }, ...children);

/**
 * The indexes of a longest rising run in `places`, where -1 is no place. With `fixed` (an index, or
 * -1) it is a longest one among those that contain this index.
 */
export function longestRun(places, fixed) {
  const fits = (index) => places[index] >= 0 && (fixed < 0 || places[fixed] < 0 || index === fixed
    || (index < fixed ? places[index] < places[fixed] : places[index] > places[fixed]));
  const ends = []; // ends[n]: the index that ends the lowest run of length n + 1
  const before = new Array(places.length).fill(-1);
  for (let index = 0; index < places.length; index += 1) {
    if (!fits(index)) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places[ends[middle]] < places[index]) low = middle + 1;
      else high = middle;
    }
    before[index] = low > 0 ? ends[low - 1] : -1;
    ends[low] = index;
  }
  const run = new Set();
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index]) run.add(index);
  return run;
}

function update(row, item, most) {
  row.item = item;
  row.tr.classList.remove("gone");
  row.remove.disabled = false;
  setText(row.rank, count(item.rank));
  setText(row.number, countWithin(item.count, COUNT_MAX));
  setAttribute(row.number, "title", item.count < COUNT_MAX ? null : count(item.count));
  setText(row.seen, ago(item.last_seen));
  setAttribute(row.seen, "title", dateTime(item.last_seen));
  row.bar.style.setProperty("--share", String(item.count / most));
  // Only the list of the event stream tells series; a search or a long list does not.
  setAttribute(row.spark.node.parentNode, "data-known", item.series ? null : "no");
  row.spark.draw(item.series);
  showChange(row.change, item.change ?? null);
}

function showChange(cell, change) {
  const key = String(change);
  if (cell.dataset.change === key) return;
  cell.dataset.change = key;
  cell.dataset.way = change === "new" ? "new" : change > 0 ? "up" : change < 0 ? "down" : "same";
  if (change === null || change === 0) {
    cell.replaceChildren(el("span", { "aria-hidden": "true", text: change === 0 ? "·" : "" }),
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
