// SPDX-License-Identifier: MIT
// Asks for the bearer token once; it is kept for this browser tab only.

import { hasToken, setToken } from "./api.js";
import { openDialog } from "./dialog.js";
import { el } from "./dom.js";

let open = false;

/** Opens the question unless it is open already. onToken runs when a token was entered. */
export function askToken({ onToken, onCancel }) {
  if (open) return;
  open = true;
  const refused = hasToken();
  if (refused) setToken("");
  let entered = false;
  const field = el("input", { type: "password", id: "token", autocomplete: "current-password",
    spellcheck: "false", autocapitalize: "off", required: true, "aria-describedby": "token-help" });
  const form = el("form", { id: "token-form" },
    el("label", { for: "token", text: "Token" }), field,
    el("p", { id: "token-help", class: "help", text:
      "It is the content of the file that admin.token_file names. It stays in this tab and is "
      + "forgotten when the tab is closed." }));
  const dialog = openDialog({
    title: refused ? "The token was refused" : "This daemon asks for a token",
    body: [form],
    actions: [el("button", { type: "button", text: "Not now", onclick: () => dialog.close() }),
      el("button", { type: "submit", form: "token-form", class: "primary", text: "Use it" })],
    className: "token-dialog",
    onClose: () => {
      open = false;
      if (!entered) onCancel();
    },
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = field.value.trim();
    if (!value) return;
    entered = true;
    setToken(value);
    dialog.close();
    onToken();
  });
  field.focus();
}
