// SPDX-License-Identifier: MIT
// Puts the page together: the event stream feeds the parts, the address chooses the view, the keys
// act on it. Everything that is shown comes through here once.

import { setUnauthorized } from "./api.js";
import { Deletions } from "./deletions.js";
import { Detail } from "./detail.js";
import { byId, visible } from "./dom.js";
import { EventStream } from "./events.js";
import { syncClock, timeOfDay } from "./format.js";
import { Banner, Header } from "./header.js";
import { bindKeys, openHelp } from "./keys.js";
import { ListView, WINDOWS } from "./listview.js";
import { announce } from "./notices.js";
import { Pipeline } from "./pipeline.js";
import { Remover } from "./remove.js";
import { askToken } from "./token.js";

const header = new Header();
const banner = new Banner();
const pipeline = new Pipeline();
const deletions = new Deletions();
const remover = new Remover({ archiveOff: () => pipeline.part("archive")?.state === "off" });
const detail = new Detail({ onDelete: (tag) => askDelete(tag, detail.item?.count) });
const list = new ListView({
  onDelete: (tag) => askDelete(tag, list.countOf(tag)),
  onQuery: () => stream.start(),
});
const stream = new EventStream({
  query: () => list.query(),
  onEvent: (name, data) => onEvent(name, data),
  onState: (state, more) => onState(state, more),
});

let live = false;
let lostAt = null; // when the last word of the daemon came, in seconds; null while it talks
let waiting = null; // { until, error } between two attempts
let heardAt = null;
let problems = [];

// Events

function onEvent(name, text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    return; // one broken event does not stop the next
  }
  heardAt = Date.now() / 1000;
  if (name === "top" && Array.isArray(data.hashtags)) onTop(data);
  else if (name === "rates") onRates(data);
  else if (name === "status") onStatus(data);
  else if (name === "deleted") onDeleted(data);
}

function onTop(data) {
  if (data.window === "all") showTotals(data);
  list.onTop(data);
}

// Two events tell them, and the newest is shown in both places, so that they are always equal.
function showTotals(totals) {
  header.showTotals(totals);
  list.showTotals(totals);
}

function onRates(rates) {
  syncClock(rates.at);
  header.onRates(rates);
}

function onStatus(status) {
  syncClock(status.now);
  problems = status.problems ?? [];
  header.onStatus(status);
  if (status.hashtags) showTotals(status.hashtags);
  pipeline.onStatus(status);
  list.onStatus(status);
  showBanner(status.stopping);
}

function onDeleted(record) {
  deletions.onDeleted(record);
  remover.onDeleted(record);
  list.onDeleted(record.hashtag);
  if (detail.tag === record.hashtag) detail.refresh();
}

// The connection

function onState(state, { until, error } = {}) {
  waiting = state === "waiting" ? { until, error } : null;
  if (state === "open") return connected();
  if (state === "unauthorized") {
    header.onConnection("unauthorized", "Token needed");
    lose();
    return showBanner();
  }
  if (state === "connecting") {
    // A change of the window connects anew; that is no loss, and the page does not flicker for it.
    if (!live) header.onConnection("connecting", "Connecting");
    return undefined;
  }
  lose();
  return showBanner();
}

function connected() {
  const again = lostAt !== null;
  live = true;
  lostAt = null;
  header.onConnection("live", "Live");
  banner.hide();
  list.onConnected(true);
  detail.onConnected(true);
  deletions.load();
  if (again) announce("The daemon answers again.");
}

function lose() {
  if (lostAt === null) {
    lostAt = heardAt ?? 0;
    announce("The connection to the daemon is lost.");
  }
  live = false;
  list.onConnected(false);
  detail.onConnected(false);
  pipeline.onStatus(null);
}

function showBanner(stopping = false) {
  if (waiting) return showWaiting();
  if (byId("connection").dataset.state === "failed") {
    return banner.show("token", "This daemon asks for a token.",
      { text: "Enter the token", action: () => ask() });
  }
  if (!live) return undefined;
  if (stopping) {
    return banner.show("stopping", "The daemon is stopping: it finishes what it has begun.");
  }
  if (problems.length === 0) return banner.hide();
  const texts = problems.map((problem) => `${problem.part}: ${problem.text}`);
  return banner.show("problems", texts.join(" · "));
}

function showWaiting() {
  const left = Math.max(0, Math.ceil((waiting.until - Date.now()) / 1000));
  const again = left > 0 ? `Trying again in ${left} s.` : "Trying again now.";
  const since = lostAt ? ` What you see is as of ${timeOfDay(lostAt)}.` : "";
  const status = waiting.error?.status ?? 0;
  const why = status > 0 ? `The daemon refuses (${status}): ${waiting.error.message}`
    : "The daemon does not answer.";
  header.onConnection("waiting", left > 0 ? `Retry in ${left} s` : "Retrying");
  banner.show("gone", `${why} ${again}${since}`,
    { text: "Try now", action: () => stream.retryNow() });
}

function ask() {
  askToken({
    onToken: () => stream.start(),
    onCancel: () => showBanner(),
  });
}

// Actions

function askDelete(tag, known) {
  remover.ask(tag, known, () => {
    if (detail.tag !== null) detail.refresh();
    else if (document.activeElement === document.body) list.rows.focusTag(tag);
  });
}

function deleteCurrent() {
  if (detail.tag !== null) {
    if (!detail.item) return false;
    askDelete(detail.tag, detail.item.count);
    return true;
  }
  const tag = list.rows.current;
  if (tag === null || !byId("rows-body").contains(document.activeElement)) return false;
  askDelete(tag, list.countOf(tag));
  return true;
}

// The address: "#/tag/<hashtag>" is a hashtag's own view, everything else is the list.

let lastTag = null;

function route() {
  const match = /^#\/tag\/(.+)$/.exec(location.hash);
  const tag = match ? decode(match[1]) : null;
  if (tag === null) {
    lastTag = detail.tag;
    if (detail.tag !== null) detail.close();
    byId("list-view").hidden = false;
    document.title = "hashtagd";
    if (lastTag !== null) list.rows.focusTag(lastTag);
    return;
  }
  byId("list-view").hidden = true;
  document.title = `#${visible(tag)} · hashtagd`;
  if (detail.tag !== tag) detail.open(tag);
}

function decode(text) {
  try {
    const tag = decodeURIComponent(text).replace(/^[#＃]/, "");
    return tag === "" ? null : tag;
  } catch {
    announce("This address names no hashtag.");
    return null;
  }
}

function back() {
  if (detail.tag !== null) {
    location.hash = "#/";
    return true;
  }
  if (list.clearSearch()) {
    byId("search").blur();
    return true;
  }
  if (document.activeElement === byId("search")) {
    byId("search").blur();
    return true;
  }
  return false;
}

// Keys. An action tells whether it acted; only then the key does nothing else.

const onList = (action) => (event) => {
  if (detail.tag !== null) return false;
  action(event);
  return true;
};
const inRows = (action) => (event) => {
  const field = event.target === byId("search") && event.key === "ArrowDown";
  if (!field && !byId("rows-body").contains(event.target)) return false;
  return onList(action)(event);
};

bindKeys({
  j: onList(() => list.rows.step(1)),
  k: onList(() => list.rows.step(-1)),
  ArrowDown: inRows(() => list.rows.step(1)),
  ArrowUp: inRows(() => list.rows.step(-1)),
  Home: inRows(() => list.rows.first()),
  End: inRows(() => list.rows.last()),
  Delete: deleteCurrent,
  Escape: back,
  p: onList(() => list.togglePause()),
  "/": () => {
    if (detail.tag !== null) location.hash = "#/";
    byId("list-view").hidden = false;
    list.focusSearch();
    return true;
  },
  "?": () => {
    openHelp();
    return true;
  },
  ...Object.fromEntries(WINDOWS.map(({ name }, index) =>
    [String(index + 1), onList(() => list.setWindow(name))])),
});

// Start

byId("help-open").addEventListener("click", () => openHelp());
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
addEventListener("hashchange", route);
addEventListener("pagehide", () => stream.stop());
addEventListener("pageshow", (event) => {
  if (event.persisted) stream.start();
});
setUnauthorized(() => ask());
setInterval(() => {
  if (waiting) showWaiting();
  if (document.hidden) return;
  list.tick();
  detail.tick();
  deletions.tick();
}, 1000);
route();
stream.start();
