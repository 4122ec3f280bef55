// SPDX-License-Identifier: MIT
// The keys of the page, and the dialog that explains them. Keys without a modifier can be switched
// off there, for people who steer by voice (WCAG 2.1.4).

import { dialogOpen, openDialog } from "./dialog.js";
import { el } from "./dom.js";

const OFF = "hashtagd.keys";

const HELP = [
  ["/", "Search"],
  ["j, ↓", "Next hashtag"],
  ["k, ↑", "Hashtag before"],
  ["Home, End", "First, last hashtag"],
  ["Enter", "Open the hashtag"],
  ["Delete", "Delete the hashtag (asks first)"],
  ["Esc", "Back; clear the search; close"],
  ["1 2 3 4", "5 minutes, 1 hour, 24 hours, all time"],
  ["p", "Hold the list still, or let it move"],
  ["?", "This help"],
];

let enabled = read();

/** Calls the action of a key: `actions` maps a key to a function that tells whether it acted. */
export function bindKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.isComposing || dialogOpen()) return;
    const field = event.target.closest?.("input, select, textarea");
    if (field && event.key !== "Escape" && event.key !== "ArrowDown") return;
    if (field?.tagName === "SELECT") return;
    if (event.key.length === 1 && !enabled && event.key !== "?") return;
    const action = actions[event.key];
    if (action?.(event)) event.preventDefault();
  });
}

/** Shows the keys. */
export function openHelp() {
  const close = el("button", { type: "button", text: "Close" });
  const box = el("input", { type: "checkbox", id: "keys-on" });
  box.checked = enabled;
  box.addEventListener("change", () => {
    enabled = box.checked;
    write(enabled);
  });
  const dialog = openDialog({
    title: "Keys",
    body: [
      el("dl", { class: "keys" }, ...HELP.map(([key, text]) => el("div", {},
        el("dt", {}, ...key.split(/, | /).flatMap((one, index) =>
          (index ? [" ", el("kbd", { text: one })] : [el("kbd", { text: one })]))),
        el("dd", { text })))),
      el("p", { class: "check" }, box, el("label", { for: "keys-on",
        text: "Use the keys that are a single letter or sign" })),
    ],
    actions: [close],
    className: "help-dialog",
  });
  close.addEventListener("click", () => dialog.close());
  close.focus();
}

function read() {
  try {
    return localStorage.getItem(OFF) !== "off";
  } catch {
    return true;
  }
}

function write(on) {
  try {
    localStorage.setItem(OFF, on ? "on" : "off");
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
