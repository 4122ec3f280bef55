// SPDX-License-Identifier: MIT
// Short notes: seen in a corner, and said once by a screen reader.

import { byId, el } from "./dom.js";

const STAY_MS = 8000;
const KEEP_MAX = 4;

let clearing = 0;

/** Says a sentence to a screen reader and shows nothing. */
export function announce(text) {
  const node = byId("announcer");
  clearTimeout(clearing);
  // The same sentence twice is said twice only where the node was empty in between.
  node.textContent = "";
  requestAnimationFrame(() => { node.textContent = text; });
  clearing = setTimeout(() => { node.textContent = ""; }, STAY_MS);
}

/** Shows a note for a while; hovering keeps it. `kind` is "good", "bad" or "plain". */
export function notify(text, kind = "plain") {
  const box = byId("toasts");
  const note = el("div", { class: `toast ${kind}` }, el("p", { text }),
    el("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", text: "×",
      onclick: () => note.remove() }));
  let timer = setTimeout(() => note.remove(), STAY_MS);
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", () => {
    timer = setTimeout(() => note.remove(), STAY_MS);
  });
  box.append(note);
  while (box.children.length > KEEP_MAX) box.firstChild.remove();
  announce(text);
}
