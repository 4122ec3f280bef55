// SPDX-License-Identifier: MIT
// The list with its tabs, search, length and pause: decides what the rows show and when.

import { address, request } from "./api.js";
import { byId, el, setAttribute, setText, tagText } from "./dom.js";
import { emptyState } from "./empty.js";
import { count, now, plural, timeOfDay } from "./format.js";
import { TopList } from "./list.js";
import { announce } from "./notices.js";
import { Poller } from "./poll.js";
import { RankMemory } from "./ranks.js";

const LIVE_MAX = 100; // as many as the event stream carries
const LONG_EVERY_MS = 5000;
const SEARCH_EVERY_MS = 2000;
const SEARCH_STEPS = [50, 200, 1000];
const KEEP = "hashtagd.view";

/** The windows in the order of the tabs and of the keys 1 to 4. */
export const WINDOWS = [
  { name: "5m", label: "5 min", said: "in the last 5 minutes" },
  { name: "1h", label: "1 hour", said: "in the last hour" },
  { name: "24h", label: "24 hours", said: "in the last 24 hours" },
  { name: "all", label: "All time", said: "in all" },
];

export class ListView {
  #list;
  #window = "all";
  #limit = 20;
  #search = "";
  #searchStep = 0;
  #live = null; // the last `top` event of this window
  #totals = null; // of all time, as the head of the page shows them
  #long = null; // the last long answer of this window
  #found = null; // the last answer to the search
  // What the list shows, or shows with the next frame.
  #view = { source: null, items: [], totals: null };
  #problem = null;
  #status = null;
  #connected = true; // until the first attempt has failed
  #paused = false;
  #heldAt = 0;
  #waiting = 0;
  #fresh = true; // the next data is the first of its view: shown even while held
  #frame = 0;
  #ranks = new RankMemory();
  #poller;
  #typing = 0;
  #onQuery;

  /** onQuery: the event stream must be asked anew (window or length changed). */
  constructor({ onDelete, onQuery }) {
    this.#list = new TopList({ onDelete });
    this.#onQuery = onQuery;
    this.#poller = new Poller({
      ask: (signal) => this.#ask(signal),
      everyMs: SEARCH_EVERY_MS,
      onData: (data) => this.#answer(data),
      onError: (error) => this.#failed(error),
    });
    this.#restore();
    this.#buildTabs();
    this.#wire();
    this.#showPause();
    this.#schedule(false);
  }

  get rows() {
    return this.#list;
  }

  get searching() {
    return this.#search !== "";
  }

  /** The query of the event stream for the present view. */
  query() {
    return { window: this.#window, limit: Math.min(this.#limit, LIVE_MAX) };
  }

  /** A `top` event. */
  onTop(data) {
    if (data.window !== this.#window) return;
    this.#live = data;
    this.#ranks.record(data.hashtags, now());
    if (!this.searching) this.#arrived();
  }

  /** The newest counts of all time; a list held still keeps its own. */
  showTotals(totals) {
    this.#totals = totals;
    if (this.#paused) return;
    this.#view.totals = totals;
    this.#showNote(this.#view.source, this.#view.items.length);
  }

  /** A `status` event: the empty states depend on it. */
  onStatus(status) {
    this.#status = status;
    if (this.#list.tags.length === 0) this.#schedule(false);
  }

  /** A hashtag was deleted: while held still, the row says so. */
  /** The whole count of a hashtag; undefined where the list shows that of a window alone. */
  countOf(tag) {
    return this.#window === "all" ? this.rows.item(tag)?.count : undefined;
  }

  onDeleted(tag) {
    if (this.#paused) this.#list.markGone(tag);
  }

  /** The connection came back or was lost: asks again, or leaves the poller be. */
  onConnected(connected) {
    this.#connected = connected;
    byId("list-view").classList.toggle("stale", !connected);
    if (!this.#live) this.#schedule(false);
    if (connected && this.#polling()) this.#poller.start();
    if (!connected) this.#poller.stop();
  }

  tick() {
    if (!this.#paused) this.#list.tick();
  }

  setWindow(name) {
    if (name === this.#window) return;
    this.#window = name;
    this.#live = null;
    this.#long = null;
    this.#found = null;
    this.#ranks.clear();
    this.#reset();
    this.#showTabs();
    this.#keep();
    this.#onQuery();
  }

  togglePause() {
    this.#paused = !this.#paused;
    this.#heldAt = now();
    this.#waiting = 0;
    this.#showPause();
    announce(this.#paused ? "The list is held still." : "The list moves again.");
    if (!this.#paused) this.#take(true);
  }

  focusSearch() {
    const field = byId("search");
    field.focus();
    field.select();
  }

  /** Empties the search; true where there was one. */
  clearSearch() {
    if (byId("search").value === "" && !this.searching) return false;
    byId("search").value = "";
    this.#setSearch("");
    return true;
  }

  // Sources

  #polling() {
    return this.searching || this.#limit > LIVE_MAX;
  }

  #ask(signal) {
    const query = this.searching
      ? { window: this.#window, prefix: this.#search, limit: SEARCH_STEPS[this.#searchStep] }
      : { window: this.#window, limit: this.#limit };
    return request("GET", "hashtags", { query, signal })
      .then((data) => ({ data, prefix: query.prefix ?? "" }));
  }

  #answer({ data, prefix }) {
    if (data.window !== this.#window || prefix !== this.#search) return;
    this.#problem = null;
    if (this.searching) this.#found = data;
    else this.#long = data;
    this.#arrived();
  }

  #failed(error) {
    if (error.status === 0 || error.status === 401) return; // the banner tells
    this.#problem = error;
    this.#schedule(false);
  }

  #arrived() {
    if (this.#paused && !this.#fresh) {
      this.#waiting += 1;
      this.#showHeld();
      return;
    }
    const move = !this.#fresh;
    // A long list needs two answers; the view has begun when both are there.
    this.#fresh = !this.searching && this.#limit > LIVE_MAX && !(this.#long && this.#live);
    this.#take(move);
  }

  // Takes what has arrived for the view. Until the next taking nothing that arrives shows.
  #take(move) {
    const change = (item) => (this.searching ? null : this.#ranks.change(item.hashtag, item.rank));
    this.#view = {
      source: this.searching ? this.#found : this.#live,
      items: this.#items().map((item) => ({ ...item, change: change(item) })),
      totals: this.#totals,
    };
    this.#schedule(move);
  }

  // What is to be shown now: the search, the long list mixed with the live one, or the live one.
  #items() {
    const live = this.#live?.hashtags ?? [];
    if (this.searching) {
      const series = new Map(live.map((item) => [item.hashtag, item.series]));
      return (this.#found?.hashtags ?? [])
        .map((item) => ({ ...item, series: series.get(item.hashtag) }));
    }
    if (this.#limit <= LIVE_MAX || !this.#long) return live.slice(0, this.#limit);
    const known = new Set(live.map((item) => item.hashtag));
    return [...live, ...this.#long.hashtags.filter((item) => !known.has(item.hashtag))]
      .sort((a, b) => b.count - a.count || (a.hashtag < b.hashtag ? -1 : 1))
      .slice(0, this.#limit)
      .map((item, index) => ({ ...item, rank: index + 1 }));
  }

  // Showing

  #schedule(move) {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render(move);
    });
  }

  #render(move) {
    const { source, items } = this.#view;
    this.#list.render(items, { move });
    byId("table").hidden = items.length === 0;
    byId("table").classList.toggle("searching", this.searching);
    this.#showNote(source, items.length);
    this.#showMore(source, items.length);
    this.#showEmpty(source, items.length);
    this.#showHeld();
  }

  #said() {
    return WINDOWS.find((window) => window.name === this.#window).said;
  }

  #showNote(source, shown) {
    const note = byId("list-note");
    const totals = (this.#window === "all" && this.#view.totals) || source;
    if (this.#problem && this.searching) {
      setText(note, `The search failed: ${this.#problem.message}`);
    } else if (!source) {
      setText(note, !this.#connected ? "Nothing is known while the daemon does not answer."
        : this.searching ? "Searching…" : "Loading…");
    } else if (!this.searching && totals.total === 0) {
      setText(note, "");
    } else if (this.searching) {
      setText(note, `${source.next ? `The first ${count(shown)} hashtags` : plural(shown, "hashtag")
      } beginning with ${tagText(this.#search.replace(/^[#＃]/, ""))} ${this.#said()}`);
    } else {
      setText(note, `${count(totals.total)} counted ${this.#said()}, ${
        count(totals.distinct)} different`);
    }
    setText(byId("caption"), `Hashtags ${this.#said()}, most counted first`);
  }

  #showMore(source, shown) {
    const more = byId("more");
    const next = SEARCH_STEPS[this.#searchStep + 1];
    more.hidden = !(this.searching && source?.next && shown > 0);
    if (more.hidden) return;
    if (!next) {
      more.replaceChildren("Only the first 1,000 are shown. Type more letters to see fewer.");
    } else if (!more.querySelector("button")) {
      more.replaceChildren(el("button", { type: "button", text: "Show more", onclick: () => {
        this.#searchStep += 1;
        this.#poller.start();
      } }));
    }
  }

  #showEmpty(source, shown) {
    const box = byId("empty");
    box.hidden = shown > 0 || !source;
    if (box.hidden) {
      box.replaceChildren();
      delete box.dataset.kind;
      return;
    }
    const state = emptyState({
      status: this.#status,
      window: this.#window,
      said: this.#said(),
      search: this.#search,
      url: address("tweets").href,
      onAll: () => this.setWindow("all"),
      onClear: () => this.clearSearch(),
    });
    if (box.dataset.kind === state.kind) return;
    box.dataset.kind = state.kind;
    box.replaceChildren(...state.build());
  }

  #showPause() {
    const button = byId("pause");
    setText(button, this.#paused ? "Resume" : "Pause");
    setAttribute(button, "aria-pressed", String(this.#paused));
    setAttribute(button, "title", this.#paused ? "Let the list move again (p)"
      : "Hold the list still for reading (p)");
    byId("list-view").classList.toggle("paused", this.#paused);
    this.#showHeld();
  }

  #showHeld() {
    const held = byId("held");
    held.hidden = !this.#paused;
    if (!this.#paused) return;
    const wait = this.#waiting === 0 ? "Nothing new yet."
      : `${plural(this.#waiting, "update")} ${this.#waiting === 1 ? "waits" : "wait"}.`;
    setText(held, `Held still since ${timeOfDay(this.#heldAt)}. ${wait}`);
  }

  #showTabs() {
    for (const tab of byId("windows").children) {
      const chosen = tab.dataset.window === this.#window;
      setAttribute(tab, "aria-selected", String(chosen));
      setAttribute(tab, "tabindex", chosen ? "0" : "-1");
      if (chosen) setAttribute(byId("panel"), "aria-labelledby", tab.id);
    }
  }

  // Controls

  #buildTabs() {
    byId("windows").append(...WINDOWS.map((window, index) => el("button", {
      type: "button", role: "tab", id: `tab-${window.name}`, "data-window": window.name,
      "aria-controls": "panel", "aria-keyshortcuts": String(index + 1), text: window.label,
      onclick: () => this.setWindow(window.name),
    })));
    byId("windows").addEventListener("keydown", (event) => this.#tabKey(event));
    this.#showTabs();
  }

  #tabKey(event) {
    const at = WINDOWS.findIndex((window) => window.name === this.#window);
    const last = WINDOWS.length - 1;
    const to = { ArrowLeft: at === 0 ? last : at - 1, ArrowRight: at === last ? 0 : at + 1,
      Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.setWindow(WINDOWS[to].name);
    byId(`tab-${WINDOWS[to].name}`).focus();
  }

  #wire() {
    const search = byId("search");
    search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.#setSearch(search.value.trim()), 150);
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#setSearch(search.value.trim());
    });
    byId("pause").addEventListener("click", () => this.togglePause());
    byId("rows").value = String(this.#limit);
    byId("rows").addEventListener("change", (event) => this.#setLimit(Number(event.target.value)));
  }

  #setSearch(text) {
    clearTimeout(this.#typing);
    const value = text === "#" || text === "＃" ? "" : text;
    if (value === this.#search) return;
    this.#search = value;
    this.#searchStep = 0;
    this.#found = null;
    this.#problem = null;
    this.#reset();
  }

  #setLimit(limit) {
    this.#limit = limit;
    this.#long = null;
    this.#ranks.clear();
    this.#reset();
    this.#keep();
    this.#onQuery();
  }

  // Another view begins: its first data is shown at once, held or not.
  #reset() {
    this.#fresh = true;
    this.#waiting = 0;
    this.#heldAt = now();
    this.#poller.stop();
    this.#poller.everyMs = this.searching ? SEARCH_EVERY_MS : LONG_EVERY_MS;
    if (this.#polling() && this.#connected) this.#poller.start();
    if (!this.searching && this.#live) return this.#take(false);
    // The old rows stay for the moment that an answer takes, but not where none can come.
    this.#view = { source: null, items: this.#connected ? this.#view.items : [], totals: null };
    return this.#schedule(false);
  }

  #keep() {
    try {
      localStorage.setItem(KEEP, JSON.stringify({ window: this.#window, limit: this.#limit }));
    } catch {
      // Without storage the view lasts as long as the page.
    }
  }

  #restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEEP) ?? "{}");
      if (WINDOWS.some((window) => window.name === kept.window)) this.#window = kept.window;
      if ([20, 50, 100, 1000].includes(kept.limit)) this.#limit = kept.limit;
    } catch {
      // What is stored is not ours or broken: the defaults stand.
    }
  }
}
