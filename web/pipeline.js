// SPDX-License-Identifier: MIT
// The pipeline as a row of stations, source to archive. A station opens to tell everything.

import { openDialog } from "./dialog.js";
import { byId, el, icon, setAttribute, setText } from "./dom.js";
import { ago, bytes, count, dateTime, duration, now, rate, seconds } from "./format.js";

const NAMES = { source: "Source", ingest: "Ingest", stream: "Stream", count: "Count",
  table: "Table", changes: "Changes", archive: "Archive" };

/** What each state means, in words. */
export const STATES = {
  off: "off",
  starting: "starting",
  working: "working",
  idle: "idle",
  paused: "paused",
  waiting: "waiting",
  failed: "failed",
  stopped: "stopped",
  unknown: "unknown",
};

const MEANINGS = {
  off: "configured away",
  starting: "getting ready",
  working: "all is well",
  idle: "nothing to do",
  paused: "held back by what comes after it",
  waiting: "something outside is wrong; it tries again by itself",
  failed: "a person is needed",
  stopped: "it has ended",
  unknown: "the daemon does not tell",
};

const stateOf = (part) => (part.state in STATES ? part.state : "unknown");

export class Pipeline {
  #stations = new Map();
  #status = null;
  #open = null; // { name, dialog } of the station shown in full

  /** A `status` event, or null where the daemon is gone: then no state is known. */
  onStatus(status) {
    if (status) this.#status = status;
    byId("pipeline").classList.toggle("stale", status === null);
    for (const part of this.#status?.parts ?? []) {
      this.#show(status ? part : { ...part, state: "unknown", rate: null, text: "" });
    }
    if (this.#open && status) this.#fill();
  }

  /** The state of one part, or null where nothing is known. */
  part(name) {
    return this.#status?.parts?.find((part) => part.name === name) ?? null;
  }

  #show(part) {
    let station = this.#stations.get(part.name);
    if (!station) {
      station = this.#build(part.name);
      this.#stations.set(part.name, station);
      byId("pipeline").append(station.node);
    }
    const state = stateOf(part);
    if (station.node.dataset.state !== state) {
      station.node.dataset.state = state;
      station.icon.replaceChildren(icon(state));
    }
    setText(station.type, part.type && part.type !== part.name ? typeOf(part, this.#status) : "");
    setText(station.state, STATES[state]);
    setText(station.rate, state === "off" ? "–" : rate(part.rate));
    setText(station.unit, `${part.unit ?? ""}/s`);
    const trouble = lastTrouble(part, state);
    setText(station.error, trouble);
    setAttribute(station.error, "title", trouble || null);
    setAttribute(station.node.firstChild, "title", trouble || MEANINGS[state]);
  }

  #build(name) {
    const station = {
      icon: el("span", { class: "station-icon" }),
      type: el("span", { class: "station-type" }),
      state: el("span", { class: "station-state" }),
      rate: el("span", { class: "station-rate" }),
      unit: el("span", { class: "station-unit" }),
      error: el("span", { class: "station-error" }),
    };
    station.node = el("li", { class: "station", "data-part": name },
      el("button", { type: "button", "aria-haspopup": "dialog", onclick: () => this.#openPart(name) },
        el("span", { class: "station-head" },
          el("span", { class: "station-name", text: NAMES[name] ?? name }), " ", station.type), " ",
        el("span", { class: "station-now" }, station.icon, station.state), " ",
        el("span", { class: "station-flow" }, station.rate, " ", station.unit), " ",
        station.error));
    return station;
  }

  #openPart(name) {
    const close = el("button", { type: "button", text: "Close" });
    const dialog = openDialog({ title: NAMES[name] ?? name, body: [], actions: [close],
      className: "part-dialog", onClose: () => { this.#open = null; } });
    close.addEventListener("click", () => dialog.close());
    this.#open = { name, dialog };
    this.#fill();
  }

  #fill() {
    const part = this.part(this.#open.name);
    if (!part) return;
    const sections = [list(facts(part, this.#status))];
    const details = Object.entries(part.details ?? {});
    if (details.length > 0) sections.push(el("h3", { text: "Details" }), list(details.map(detail)));
    if (part.name === "source") sections.push(...connections(this.#status));
    if (part.name === "stream" || part.name === "count") sections.push(...shards(this.#status));
    if (part.name === "ingest") sections.push(...machine(this.#status));
    this.#open.dialog.body.replaceChildren(...sections);
  }
}

function lastTrouble(part, state) {
  if (part.text && !["working", "idle", "off"].includes(state)) return part.text;
  if (part.last_error) return `${ago(part.last_error.at)}: ${part.last_error.text}`;
  return "";
}

/** What a part is, in a word; several sources are told by number. */
export function typeOf(part, status) {
  const sources = status?.sources?.length ?? 0;
  return part.name === "source" && sources > 1 ? `${sources} sources` : part.type;
}

/** What a reconnect was for, in words. */
const ENDS = {
  ended: "the service ended the stream",
  network: "the network failed",
  stalled: "nothing came for too long",
  http_error: "the service answered with an error",
  rate_limited: "the service asks for fewer connections",
  too_many_connections: "the service counts another connection as open",
  refused: "the service refuses what was asked",
  told: "the service told to reconnect",
  told_to_stop: "the service told to stop",
  protocol: "the service broke its protocol",
};

/** The sources, each with its connection: nothing where there is one without a connection. */
function connections(status) {
  const sources = status?.sources ?? [];
  if (sources.length < 2 && !sources[0]?.connection) return [];
  return sources.flatMap((source) => [el("h3", { text: source.name }),
    list([...(sources.length > 1 ? own(source) : []),
      ...(source.connection ? connection(source.connection) : [])])]);
}

function own(source) {
  const state = stateOf(source);
  return [["Type", source.type],
    ["State", `${STATES[state]}: ${source.text || MEANINGS[state]}`],
    ["Rate", `${rate(source.rate)} messages a second`],
    ["In all", `${count(source.total)} messages`]];
}

function connection(link) {
  const since = link.since ? `, for ${duration(now() - link.since)}` : "";
  const reconnects = Object.entries(link.reconnects ?? {});
  const rows = [["Connection", `${link.state}${since}`]];
  if (link.next_try_at) rows.push(["Next try", inTime(link.next_try_at)]);
  rows.push(["Last message", link.last_message_at ? ago(link.last_message_at) : "none yet"],
    ["Last byte", link.last_byte_at ? ago(link.last_byte_at) : "none yet"]);
  if (link.behind_seconds !== null) rows.push(["Behind", seconds(link.behind_seconds)]);
  rows.push(["Received", bytes(link.received_bytes)],
    ["Connected", `${count(link.connects)} ${link.connects === 1 ? "time" : "times"}`],
    ["Ended", reconnects.length === 0 ? "never"
      : reconnects.map(([name, times]) => `${count(times)} × ${ENDS[name] ?? name}`).join("; ")]);
  if (link.repeats > 0) rows.push(["Repeats", `${count(link.repeats)} messages dropped, they had come before`]);
  if (link.skipped > 0) rows.push(["Skipped", `${count(link.skipped)} events that say nothing of hashtags`]);
  if (link.gaps > 0) rows.push(["Gaps", `${count(link.gaps)}: something may have been missed`]);
  if (link.pauses > 0) rows.push(["Held back", `${count(link.pauses)} times, the pipeline was full`]);
  if (link.undelivered !== null) rows.push(["Held back by the service", `${count(link.undelivered)} messages`]);
  const limit = link.rate_limit;
  if (limit) {
    rows.push(["Limit", `${limit.remaining === null ? "?" : count(limit.remaining)} of ${
      limit.limit === null ? "?" : count(limit.limit)} connections left${
      limit.reset_at ? `, anew ${inTime(limit.reset_at)}` : ""}`]);
  }
  return rows;
}

function inTime(at) {
  const left = at - now();
  return left <= 0 ? "now" : `in ${duration(left)}`;
}

function facts(part, status) {
  const state = stateOf(part);
  const rows = [
    ["Type", typeOf(part, status) || "–"],
    ["State", `${STATES[state]}: ${part.text || MEANINGS[state]}`],
    ["Since", part.since ? `${dateTime(part.since)} (${duration(now() - part.since)})` : "–"],
    ["Rate", `${rate(part.rate)} ${part.unit ?? ""} a second, over 10 seconds`],
    ["In all", `${count(part.total)} ${part.unit ?? ""}`],
    ["Last success", part.last_success_at ? ago(part.last_success_at) : "none yet"],
    ["Errors", count(part.errors)],
  ];
  if (part.last_error) {
    rows.push(["Last error", `${dateTime(part.last_error.at)}: ${part.last_error.text}`]);
  }
  return rows;
}

function detail([name, value]) {
  const unit = /_(bytes|seconds)$/.exec(name)?.[1];
  const label = name.replace(/_(bytes|seconds)$/, "").replaceAll("_", " ");
  const text = typeof value !== "number" ? String(value)
    : unit === "bytes" ? bytes(value)
      : unit === "seconds" ? seconds(value)
        : Number.isInteger(value) ? count(value) : String(value);
  return [label[0].toUpperCase() + label.slice(1), text];
}

function shards(status) {
  const rows = status?.shards ?? [];
  if (rows.length === 0) return [];
  const head = ["Shard", "State", "Position", "Behind", "Last read"];
  return [el("h3", { text: "Shards" }), el("div", { class: "scroll", tabindex: "0" },
    el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col", text })))),
      el("tbody", {}, ...rows.map((shard) => el("tr", {},
        el("td", { text: shard.id }), el("td", { text: shard.state }),
        el("td", { text: String(shard.position ?? "–") }),
        el("td", { text: `${count(shard.lag_records)} records, ${seconds(shard.lag_seconds)}` }),
        el("td", { text: `${seconds(shard.last_success_age_seconds)} ago` }))))))];
}

function machine(status) {
  const memory = status?.memory;
  const loop = status?.loop;
  const rows = [];
  if (memory) {
    rows.push(["In flight", `${bytes(memory.used_bytes)} of ${bytes(memory.budget_bytes)}`],
      ["Resident", bytes(memory.resident_bytes)]);
  }
  if (loop) {
    rows.push(["Loop lag", `half below ${seconds(loop.lag_p50_seconds)}, 99 % below ${
      seconds(loop.lag_p99_seconds)}, most ${seconds(loop.lag_max_seconds)}`]);
  }
  return rows.length ? [el("h3", { text: "Memory and loop" }), list(rows)] : [];
}

function list(rows) {
  return el("dl", { class: "facts" }, ...rows.map(([name, text]) =>
    el("div", {}, el("dt", { text: name }), el("dd", { text }))));
}
