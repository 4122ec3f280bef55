// SPDX-License-Identifier: MIT
// A modal dialog: the browser's own <dialog>, with a title and a row of buttons.

import { el } from "./dom.js";

let number = 0;

/**
 * Opens a dialog. `body` and `actions` are nodes; onClose runs once, however it is closed.
 * Gives { node, body, actions, close, setTitle }.
 */
export function openDialog({ title, body, actions, className = "", onClose = () => {} }) {
  number += 1;
  const id = `dialog-${number}`;
  const heading = el("h2", { id, ...(typeof title === "string" ? { text: title } : {}) });
  if (typeof title !== "string") heading.append(...title);
  const content = el("div", { class: "dialog-body" }, ...body);
  const row = el("div", { class: "dialog-actions" }, ...actions);
  const node = el("dialog", { class: `dialog ${className}`, "aria-labelledby": id },
    heading, content, row);
  const opener = document.activeElement;
  node.addEventListener("close", () => {
    node.remove();
    if (opener?.isConnected) opener.focus({ preventScroll: true });
    onClose();
  });
  // A click on the backdrop hits the dialog itself, outside its box.
  node.addEventListener("pointerdown", (event) => {
    if (event.target !== node) return;
    const box = node.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right
      && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) node.close();
  });
  document.body.append(node);
  node.showModal();
  return { node, body: content, actions: row, close: () => node.close(),
    setTitle: (...children) => heading.replaceChildren(...children) };
}

/** Whether any dialog is open: the page's own keys rest then. */
export const dialogOpen = () => document.querySelector("dialog[open]") !== null;
