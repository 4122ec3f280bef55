// SPDX-License-Identifier: MIT
// The latest deletions, who caused each, and whether it has reached the archive; and the flush.

import { request } from "./api.js";
import { byId, el, icon, setTag, setText, tagNode } from "./dom.js";
import { ago, count, dateTime, now, plural, seconds } from "./format.js";
import { announce, notify } from "./notices.js";

const KEEP = 50;
const ORIGINS = {
  user: "deleted by a user",
  ttl: "expired",
  unknown: "removed, origin unknown",
};

export class Deletions {
  #records = new Map(); // event_id -> record
  #rows = new Map(); // event_id -> { node, age, record }
  #frame = 0;
  #loaded = false;
  #problem = null;

  constructor() {
    byId("flush").addEventListener("click", () => flush());
  }

  /** Asks for the archive's latest; the events go on from there. */
  async load() {
    try {
      const { deletions } = await request("GET", "archive", { query: { limit: KEEP } });
      for (const record of deletions) this.#records.set(record.event_id, { ...record, archived: true });
      this.#loaded = true;
      this.#problem = null;
    } catch (error) {
      if (error.status === 0 || error.status === 401) return; // the banner tells
      this.#problem = error;
    }
    this.#schedule();
  }

  /** A `deleted` event. */
  onDeleted(record) {
    const before = this.#records.get(record.event_id);
    if (before?.archived && !record.archived) return; // the events overtook each other
    this.#records.set(record.event_id, { ...before, ...record });
    // When many expire at once there are thousands a second; the oldest known are let go.
    if (this.#records.size > 4 * KEEP) this.#trim();
    this.#schedule();
  }

  tick() {
    for (const { age, record } of this.#rows.values()) setText(age, ago(record.deleted_at));
  }

  #trim() {
    const newest = [...this.#records.values()]
      .sort((a, b) => b.deleted_at - a.deleted_at).slice(0, KEEP);
    this.#records = new Map(newest.map((record) => [record.event_id, record]));
  }

  #schedule() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  // Rows are kept by event, so that an opened or focused one stays as it is.
  #render() {
    this.#trim();
    const list = byId("deletions");
    for (const [id, row] of this.#rows) {
      if (this.#records.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    let place = list.firstChild;
    for (const [id, record] of this.#records) {
      const row = this.#rows.get(id) ?? buildRow(id);
      this.#rows.set(id, row);
      if (row.record !== record) fillRow(row, record);
      if (row.node === place) place = place.nextSibling;
      else list.insertBefore(row.node, place);
    }
    const empty = byId("deletions-empty");
    empty.hidden = this.#records.size > 0 || !(this.#loaded || this.#problem);
    setText(empty, this.#problem ? `The archive could not be read: ${this.#problem.message}`
      : "Nothing was deleted yet. What is deleted is kept in the archive and listed here.");
  }
}

function buildRow(id) {
  const row = {
    record: null,
    tag: tagNode(""),
    count: el("span", { class: "deletion-count" }),
    origin: el("span", {}),
    age: el("time", { class: "deletion-age" }),
    state: el("span", { class: "deletion-state" }),
    more: el("div", {}),
  };
  row.node = el("li", {}, el("details", { "data-event": id },
    el("summary", {}, el("span", { class: "deletion-top" }, row.tag, row.count), " ",
      el("span", { class: "deletion-low" }, row.origin, " ", row.age, " ", row.state)),
    row.more));
  return row;
}

function fillRow(row, record) {
  row.record = record;
  setTag(row.tag, record.hashtag);
  setText(row.count, count(record.count));
  setText(row.origin, ORIGINS[record.origin] ?? ORIGINS.unknown);
  setText(row.age, ago(record.deleted_at));
  row.age.title = dateTime(record.deleted_at);
  row.state.classList.toggle("done", record.archived);
  row.state.replaceChildren(icon(record.archived ? "working" : "starting"),
    record.archived ? "archived" : "not archived yet");
  row.more.replaceChildren(more(record));
}

function more(record) {
  const rows = [
    ["Deleted", dateTime(record.deleted_at)],
    ["First seen", dateTime(record.first_seen)],
    ["Last seen", dateTime(record.last_seen)],
    ["Archived", record.archived_at ? dateTime(record.archived_at)
      : record.archived ? "yes" : "not yet"],
    ["Object", record.object ?? "–"],
    ["Event", record.event_id],
  ];
  return el("dl", { class: "facts" }, ...rows.map(([name, text]) =>
    el("div", {}, el("dt", { text: name }), el("dd", { text }))));
}

/** Asks the daemon to flush, and tells what came of it. */
export async function flush() {
  const button = byId("flush");
  const result = byId("flush-result");
  button.disabled = true;
  result.hidden = false;
  result.classList.remove("bad");
  setText(result, "Flushing…");
  try {
    const done = await request("POST", "flush");
    const text = `${plural(done.hashtags, "hashtag")} written, ${plural(done.archived, "deletion")
    } archived in ${seconds(done.seconds)}, at ${dateTime(now()).split(", ").at(-1)}.`;
    setText(result, text);
    announce(text);
  } catch (error) {
    const text = `The flush failed: ${error.message}`;
    setText(result, text);
    result.classList.add("bad");
    notify(text, "bad");
  } finally {
    button.disabled = false;
  }
}
