// SPDX-License-Identifier: MIT
// Building nodes. Text goes in as text nodes only; nothing here parses markup, so that a
// hashtag, which is anybody's text, cannot become an element.

const SVG = "http://www.w3.org/2000/svg";

/** The element with that id; every id asked for is in index.html. */
export const byId = (id) => document.getElementById(id);

/** An element. `onclick` and friends add listeners, `class` and `text` do what they say. */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An SVG element with attributes. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** Sets the text only where it changed: an untouched text node costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or removes an attribute, only where it changed. */
export function setAttribute(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

// Controls, line separators, and what reorders or hides text. The joiners U+200C and U+200D stay:
// Persian and emoji need them.
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

// A name of nothing but these would be an empty spot that nobody can read or click.
const BLANK = /^[\s\u034f\u115f\u1160\u200c\u200d\u2800\u3164\ufe00-\ufe0f\uffa0]*$/;

/** The hashtag as shown: invisible and reordering characters are made visible. */
export function visible(tag) {
  const text = String(tag).replace(INVISIBLE, "\ufffd");
  return BLANK.test(text) ? "\ufffd".repeat(Math.max(1, text.length)) : text;
}

/** `#tag` as one isolated piece of text in its own direction. */
export function tagNode(tag) {
  const node = el("bdi", { class: "tag" });
  setTag(node, tag);
  return node;
}

/** Fills a node that tagNode made. */
export function setTag(node, tag) {
  const text = visible(tag);
  node.replaceChildren(el("span", { class: "tag-hash", text: "#" }), text);
  node.title = `#${text}`;
}

/** A hashtag for the middle of a sentence that is set as plain text: isolated by FSI and PDI. */
export const tagText = (tag) => `\u2068#${visible(tag)}\u2069`;

const ICONS = {
  // States: each has a shape of its own, so that colour is never the only sign.
  working: ["path", { d: "M8 1.500a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM6.9 11.200L3.9 8.200l1.2-1.2 1.8 1.8 4-4 1.2 1.200z", "fill-rule": "evenodd", fill: "currentColor" }],
  idle: ["circle", { cx: 8, cy: 8, r: 5.5, fill: "none", stroke: "currentColor", "stroke-width": 2 }],
  off: ["circle", { cx: 8, cy: 8, r: 5.5, fill: "none", stroke: "currentColor", "stroke-width": 1.5, "stroke-dasharray": "2.2 2.12" }],
  unknown: ["path", { d: "M2.5 8h11", fill: "none", stroke: "currentColor", "stroke-width": 2 }],
  starting: ["path", { d: "M8 2.500a5.5 5.5 0 1 0 5.5 5.5", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round" }],
  paused: ["path", { d: "M4 2.500h3v11H4zM9 2.500h3v11H9z", fill: "currentColor" }],
  waiting: ["path", { d: "M8 1.500L15.2 14.500H.8zM7.2 6v4h1.600V6zM7.2 11.200v1.600h1.600v-1.600z", "fill-rule": "evenodd", fill: "currentColor" }],
  failed: ["path", { d: "M5 1.500h6L14.5 5v6L11 14.500H5L1.5 11V5zM5.7 4.600L4.6 5.7 6.9 8l-2.3 2.3 1.1 1.100L8 9.100l2.3 2.3 1.1-1.100L9.1 8l2.3-2.3-1.1-1.100L8 6.900z", "fill-rule": "evenodd", fill: "currentColor" }],
  stopped: ["path", { d: "M3 3h10v10H3z", fill: "currentColor" }],
  remove: ["path", { d: "M3 4.500h10M6.5 4.500V3h3v1.500M4.5 4.500l.6 8.500h5.800l.6-8.500M6.8 7v3.800M9.2 7v3.8", fill: "none", stroke: "currentColor", "stroke-width": 1.3, "stroke-linecap": "round", "stroke-linejoin": "round" }],
};

/** A 16 by 16 icon in the colour of the text; it says nothing by itself to a screen reader. */
export function icon(name) {
  const [shape, attributes] = ICONS[name] ?? ICONS.idle;
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    svg(shape, attributes));
}
