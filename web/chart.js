// SPDX-License-Identifier: MIT
// Hand-drawn SVG: the sparkline of a row, the trend of the head, and the columns of the own view.

import { el, setAttribute, setText, svg } from "./dom.js";
import { compact, count, hourMinute } from "./format.js";

/** A small line without axes. draw(numbers) is cheap where nothing changed. */
export class Sparkline {
  #area = svg("path", { class: "spark-area" });
  #line = svg("path", { class: "spark-line" });
  #drawn = [];

  constructor(className = "spark") {
    this.node = svg("svg", { class: className, viewBox: "0 0 100 24", preserveAspectRatio: "none",
      "aria-hidden": "true", focusable: "false" }, this.#area, this.#line);
  }

  draw(numbers = []) {
    const same = (number, index) => number === this.#drawn[index];
    if (numbers.length === this.#drawn.length && numbers.every(same)) return;
    this.#drawn = [...numbers];
    const line = path(numbers);
    setAttribute(this.#line, "d", line);
    setAttribute(this.#area, "d", line ? `${line}L100 24L0 24Z` : "");
  }
}

function path(numbers) {
  if (numbers.length < 2) return "";
  const most = Math.max(1, ...numbers);
  const step = 100 / (numbers.length - 1);
  return numbers.map((number, index) =>
    `${index ? "L" : "M"}${(index * step).toFixed(1)} ${(22.5 - (number / most) * 20.5).toFixed(1)}`)
    .join("");
}

const HEIGHT = 190;
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;

/**
 * Columns over time with axes. The chart is one stop of the keyboard: the arrow keys move a cursor
 * and the line above tells its value. The same numbers stand in a table for who prefers one.
 */
export class ColumnChart {
  #title;
  #labelEvery;
  #width = 640;
  #series = null;
  #at = null;
  #plot = svg("g");
  #cursor = svg("rect", { class: "chart-cursor", y: TOP, height: HEIGHT - TOP - BOTTOM });
  #readout = el("p", { class: "chart-readout" });
  #body = el("tbody");
  #drawing = svg("svg", { class: "chart-svg", "aria-hidden": "true", focusable: "false" },
    this.#cursor, this.#plot);
  #frame;
  #table;

  /** labelEvery: seconds between the marks of the time axis, where there is room. */
  constructor({ title, labelEvery }) {
    this.#title = title;
    this.#labelEvery = labelEvery;
    this.#frame = el("div", { class: "chart-frame", tabindex: "0", role: "slider",
      "aria-label": `${title}: move through the columns`, "aria-valuemin": "0",
      onkeydown: (event) => this.#key(event), onpointermove: (event) => this.#point(event),
      onpointerdown: (event) => this.#point(event), onpointerleave: () => this.#move(null),
      onblur: () => this.#move(null) }, this.#drawing);
    this.#table = el("details", { class: "chart-table", ontoggle: () => this.#fillTable() },
      el("summary", { text: "As a table" }),
      el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "From" }),
        el("th", { scope: "col", text: "To" }), el("th", { scope: "col", text: "Count" }))),
      this.#body));
    this.node = el("figure", { class: "chart" },
      el("figcaption", {}, el("h3", { text: title }), this.#readout), this.#frame, this.#table);
    this.#cursor.setAttribute("visibility", "hidden");
    // Drawn in real pixels, so that labels are as large as the rest of the text at every width.
    new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width === 0 || width === this.#width) return;
      this.#width = width;
      if (this.#series) this.draw(this.#series);
    }).observe(this.#frame);
  }

  draw(series) {
    this.#series = series;
    setAttribute(this.#drawing, "viewBox", `0 0 ${this.#width} ${HEIGHT}`);
    if (this.#at !== null && this.#at >= series.counts.length) this.#at = null;
    const most = Math.max(1, ...series.counts);
    const ticks = axisTicks(most);
    const top = ticks.at(-1);
    this.#plot.replaceChildren(...this.#valueAxis(ticks, top), ...this.#columns(top),
      ...this.#timeAxis());
    setAttribute(this.#frame, "aria-valuemax", String(series.counts.length - 1));
    this.#show();
    this.#fillTable();
  }

  #x(index) {
    return LEFT + (index * (this.#width - LEFT - RIGHT)) / this.#series.counts.length;
  }

  #columns(top) {
    const room = HEIGHT - TOP - BOTTOM;
    const width = Math.max(1, this.#x(1) - this.#x(0) - 1.5);
    return this.#series.counts.map((value, index) => {
      // A count of 1 beside thousands still shows.
      const height = value > 0 ? Math.max(1.5, (value / top) * room) : 0;
      const running = index === this.#series.counts.length - 1;
      return svg("rect", { class: running ? "chart-column running" : "chart-column",
        x: this.#x(index).toFixed(2), y: (HEIGHT - BOTTOM - height).toFixed(2),
        width: width.toFixed(2), height: height.toFixed(2) });
    });
  }

  #valueAxis(ticks, top) {
    const room = HEIGHT - TOP - BOTTOM;
    return ticks.flatMap((tick) => {
      const y = HEIGHT - BOTTOM - (tick / top) * room;
      const label = svg("text", { class: "chart-label", x: LEFT - 8, y: y + 4, "text-anchor": "end" });
      label.textContent = compact(tick);
      return [svg("line", { class: tick === 0 ? "chart-axis" : "chart-grid", x1: LEFT,
        x2: this.#width - RIGHT, y1: y, y2: y }), label];
    });
  }

  #timeAxis() {
    const { step, until, counts } = this.#series;
    const from = until - step * counts.length;
    const zone = new Date(until * 1000).getTimezoneOffset() * 60;
    const pixels = (this.#labelEvery / step) * (this.#x(1) - this.#x(0));
    const every = pixels < 44 ? this.#labelEvery * 2 : this.#labelEvery;
    const nodes = [];
    for (let at = Math.ceil((from - zone) / every) * every + zone; at < until; at += every) {
      const x = this.#x((at - from) / step);
      nodes.push(svg("line", { class: "chart-axis", x1: x, x2: x, y1: HEIGHT - BOTTOM,
        y2: HEIGHT - BOTTOM + 4 }));
      if (x < LEFT + 14 || x > this.#width - RIGHT - 14) continue;
      const label = svg("text", { class: "chart-label", x, y: HEIGHT - 6, "text-anchor": "middle" });
      label.textContent = hourMinute(at);
      nodes.push(label);
    }
    return nodes;
  }

  #key(event) {
    const last = this.#series ? this.#series.counts.length - 1 : -1;
    if (last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#at ?? last + 1;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1,
      Home: 0, End: last, PageUp: at - 10, PageDown: at + 10 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#move(Math.min(last, Math.max(0, to)));
  }

  #point(event) {
    if (!this.#series) return;
    const box = this.#frame.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.#width;
    const share = (x - LEFT) / (this.#width - LEFT - RIGHT);
    const index = Math.floor(share * this.#series.counts.length);
    this.#move(index >= 0 && index < this.#series.counts.length ? index : null);
  }

  #move(index) {
    this.#at = index;
    if (this.#series) this.#show();
  }

  #show() {
    const { counts } = this.#series;
    const total = counts.reduce((sum, value) => sum + value, 0);
    const most = counts.reduce((best, value, index) => (value > counts[best] ? index : best), 0);
    const text = this.#at !== null ? this.#value(this.#at)
      : total === 0 ? "Nothing in this time"
        : `${count(total)} in all, most ${this.#value(most)}`;
    setText(this.#readout, text);
    setAttribute(this.#frame, "aria-valuenow", String(this.#at ?? counts.length - 1));
    setAttribute(this.#frame, "aria-valuetext", text);
    setAttribute(this.#cursor, "visibility", this.#at === null ? "hidden" : "visible");
    if (this.#at === null) return;
    setAttribute(this.#cursor, "x", this.#x(this.#at).toFixed(2));
    setAttribute(this.#cursor, "width", (this.#x(1) - this.#x(0)).toFixed(2));
  }

  #span(index) {
    const { step, until, counts } = this.#series;
    const from = until - step * (counts.length - index);
    return [hourMinute(from), hourMinute(from + step)];
  }

  #value(index) {
    const [from, to] = this.#span(index);
    const value = count(this.#series.counts[index]);
    return this.#series.step <= 60 ? `${value} at ${from}` : `${value} from ${from} to ${to}`;
  }

  #fillTable() {
    if (!this.#series || !this.#table.open) return;
    this.#body.replaceChildren(...this.#series.counts.map((value, index) => {
      const [from, to] = this.#span(index);
      return el("tr", {}, el("td", { text: from }), el("td", { text: to }),
        el("td", { text: count(value) }));
    }).reverse());
  }
}

/** Round marks from 0 to at least `most`: two to five of them. */
export function axisTicks(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power)
    .find((size) => size >= rough && Number.isInteger(size)) ?? 10 * power;
  const ticks = [];
  for (let tick = 0; tick < most + step; tick += step) ticks.push(tick);
  return ticks;
}
