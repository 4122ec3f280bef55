// SPDX-License-Identifier: MIT
// The latest deletions, who caused each, and whether it has reached the archive; and the flush.

import { request } from "./api.js";
import { byId, el, icon, setText, tagNode } from "./dom.js";
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
  #ages = [];
  #loaded = false;

  constructor() {
    byId("flush").addEventListener("click", () => flush());
    this.#render();
  }

  /** Asks for the archive's latest; the events go on from there. */
  async load() {
    try {
      const { deletions } = await request("GET", "archive", { query: { limit: KEEP } });
      for (const record of deletions) this.#records.set(record.event_id, { ...record, archived: true });
      this.#loaded = true;
      this.#render();
    } catch (error) {
      if (error.status > 0 && error.status !== 401) {
        byId("deletions-empty").hidden = this.#records.size > 0;
        setText(byId("deletions-empty"), `The archive could not be read: ${error.message}`);
      }
    }
  }

  /** A `deleted` event. */
  onDeleted(record) {
    const before = this.#records.get(record.event_id);
    if (before?.archived && !record.archived) return; // the events overtook each other
    this.#records.set(record.event_id, { ...before, ...record });
    this.#render();
  }

  tick() {
    for (const { node, record } of this.#ages) setText(node, ago(record.deleted_at));
  }

  #render() {
    const newest = [...this.#records.values()]
      .sort((a, b) => b.deleted_at - a.deleted_at).slice(0, KEEP);
    this.#records = new Map(newest.map((record) => [record.event_id, record]));
    const open = new Set([...byId("deletions").querySelectorAll("details[open]")]
      .map((node) => node.dataset.event));
    this.#ages = [];
    byId("deletions").replaceChildren(...newest.map((record) => this.#row(record, open)));
    byId("deletions-empty").hidden = newest.length > 0 || !this.#loaded;
    setText(byId("deletions-empty"),
      "Nothing was deleted yet. What is deleted is kept in the archive and listed here.");
  }

  #row(record, open) {
    const age = el("time", { class: "deletion-age", title: dateTime(record.deleted_at),
      text: ago(record.deleted_at) });
    this.#ages.push({ node: age, record });
    const state = record.archived
      ? el("span", { class: "deletion-state done" }, icon("working"), "archived")
      : el("span", { class: "deletion-state" }, icon("starting"), "not archived yet");
    const details = el("details", { "data-event": record.event_id, open: open.has(record.event_id) },
      el("summary", {},
        el("span", { class: "deletion-top" }, tagNode(record.hashtag),
          el("span", { class: "deletion-count", text: count(record.count) })),
        el("span", { class: "deletion-low" }, ORIGINS[record.origin] ?? ORIGINS.unknown, " ", age,
          state)),
      more(record));
    return el("li", {}, details);
  }
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
