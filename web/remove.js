// SPDX-License-Identifier: MIT
// Deleting a hashtag: ask, delete, tell what was deleted, and show the archived line when it comes.

import { request, tagPath } from "./api.js";
import { openDialog } from "./dialog.js";
import { el, icon, tagNode, tagText } from "./dom.js";
import { count, dateTime } from "./format.js";
import { flush } from "./deletions.js";
import { announce, notify } from "./notices.js";

/** Open questions and deletions whose archived line has not come yet. */
export class Remover {
  #waiting = new Map(); // event_id -> { tag, show, open }
  #archived = new Map(); // lines that came before the answer to the DELETE did
  #archiveOff = () => false;

  /** archiveOff: tells whether the archive is configured away. */
  constructor({ archiveOff }) {
    this.#archiveOff = archiveOff;
  }

  /** Asks whether to delete; `known` is its count where the caller knows it. */
  ask(tag, known, onClose = () => {}) {
    const text = known === undefined
      ? "Its count goes to the archive."
      : `Its count of ${count(known)} goes to the archive.`;
    const cancel = el("button", { type: "button", text: "Cancel" });
    const confirm = el("button", { type: "button", class: "danger", text: "Delete" });
    const dialog = openDialog({
      title: ["Delete ", tagNode(tag), "?"],
      body: [el("p", { text: `${text} When the hashtag comes again, counting begins at 0.` })],
      actions: [cancel, confirm],
      className: "remove-dialog",
      onClose: () => {
        for (const entry of this.#waiting.values()) if (entry.dialog === dialog) entry.dialog = null;
        onClose();
      },
    });
    cancel.addEventListener("click", () => dialog.close());
    confirm.addEventListener("click", () => this.#delete(tag, dialog, confirm));
    cancel.focus();
  }

  /** A `deleted` event. */
  onDeleted(record) {
    if (!record.archived) return;
    const entry = this.#waiting.get(record.event_id);
    if (!entry) {
      this.#archived.set(record.event_id, record);
      if (this.#archived.size > 200) this.#archived.delete(this.#archived.keys().next().value);
      return;
    }
    this.#waiting.delete(record.event_id);
    if (entry.dialog) showLine(entry.dialog, entry.slot, record);
    else notify(`${tagText(record.hashtag)} is in the archive.`, "good");
  }

  async #delete(tag, dialog, confirm) {
    confirm.disabled = true;
    confirm.textContent = "Deleting…";
    try {
      const item = await request("DELETE", tagPath(tag));
      this.#tell(item, dialog);
    } catch (error) {
      if (dialog.node.open) refuse(tag, dialog, error);
      else notify(`${tagText(tag)} was not deleted: ${error.message}`, "bad");
    }
  }

  #tell(item, dialog) {
    const told = `${tagText(item.hashtag)} is deleted. It stood at ${count(item.count)}.`;
    const slot = el("div", { class: "archive-slot" });
    const open = dialog.node.open;
    const record = this.#archived.get(item.event_id);
    if (!record) this.#waiting.set(item.event_id, { dialog: open ? dialog : null, slot });
    if (!open) {
      notify(told, "good");
      return;
    }
    announce(told);
    dialog.setTitle("Deleted ", tagNode(item.hashtag));
    dialog.body.replaceChildren(facts(item), slot);
    const close = el("button", { type: "button", text: "Close", onclick: () => dialog.close() });
    dialog.actions.replaceChildren(close);
    close.focus();
    if (record) showLine(dialog, slot, record);
    else this.#showWaiting(dialog, slot);
  }

  #showWaiting(dialog, slot) {
    if (this.#archiveOff()) {
      slot.replaceChildren(el("p", { class: "archive-wait",
        text: "This daemon does not archive; another process may." }));
      return;
    }
    slot.replaceChildren(el("p", { class: "archive-wait" }, icon("starting"),
      "On its way to the archive. The line appears here when it is there."));
    const now = el("button", { type: "button", class: "quiet", text: "Archive at once (flush)" });
    now.addEventListener("click", async () => {
      now.disabled = true;
      await flush();
    });
    dialog.actions.prepend(now);
  }
}

function facts(item) {
  const pair = (name, text) => el("div", {}, el("dt", { text: name }), el("dd", { text }));
  return el("dl", { class: "facts" }, pair("Count", count(item.count)),
    pair("First seen", dateTime(item.first_seen)), pair("Last seen", dateTime(item.last_seen)),
    pair("Deleted", dateTime(item.deleted_at)));
}

function showLine(dialog, slot, record) {
  const { archived, archived_at: at, object, ...line } = record;
  slot.replaceChildren(
    el("p", { class: "archive-done" }, icon("working"),
      at ? `In the archive since ${dateTime(at)}.` : "In the archive."),
    ...(object ? [el("p", { class: "archive-object" }, el("code", { text: object }))] : []),
    el("pre", { class: "archive-line", tabindex: "0", "aria-label": "The archived line",
      text: JSON.stringify(line, null, 2) }));
  const button = dialog.actions.querySelector(".quiet");
  if (button) button.remove();
  announce("The deletion is in the archive.");
}

function refuse(tag, dialog, error) {
  const gone = error.status === 404;
  dialog.setTitle(gone ? "Already gone: " : "Not deleted: ", tagNode(tag));
  dialog.body.replaceChildren(el("p", { text: gone
    ? "The table has no such hashtag any more: it was deleted meanwhile, or it expired."
    : error.message }));
  const close = el("button", { type: "button", text: "Close", onclick: () => dialog.close() });
  dialog.actions.replaceChildren(close);
  close.focus();
  announce(error.message);
}
