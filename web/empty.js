// SPDX-License-Identifier: MIT
// What the list says where it has no rows: why, and what to do about it.

import { hasToken } from "./api.js";
import { el, tagText } from "./dom.js";
import { count } from "./format.js";
import { announce } from "./notices.js";

/**
 * Chooses the empty state. `kind` changes only where the text would: the caller rebuilds then only,
 * so that a copied command or a focused button stays.
 */
export function emptyState(view) {
  const source = view.status?.parts?.find((part) => part.name === "source");
  const total = view.status?.hashtags?.total ?? 0;
  if (view.search) return { kind: `search ${view.search} ${view.window}`, build: () => noMatch(view) };
  if (total > 0 && view.window !== "all") {
    return { kind: `window ${view.window}`, build: () => quietWindow(view, total) };
  }
  if (!source || source.state === "off" || source.type === "none") {
    return { kind: "no source", build: () => noSource(view) };
  }
  return { kind: `source ${source.type} ${source.state} ${source.text}`, build: () => noTag(source) };
}

function noMatch({ search, window, said, onAll, onClear }) {
  const tag = tagText(search.replace(/^[#＃]/, ""));
  return [
    el("h3", { text: `No hashtag begins with ${tag} ${said}` }),
    el("p", { text: "Case and width of letters make no difference; the beginning must match." }),
    buttons(window === "all" ? null : ["Search all time", onAll], ["Clear the search", onClear]),
  ];
}

function quietWindow({ said, onAll }, total) {
  return [
    el("h3", { text: `No hashtag ${said}` }),
    el("p", { text: `${count(total)} were counted before. New ones appear here by themselves.` }),
    buttons(["Show all time", onAll]),
  ];
}

function noTag(source) {
  const text = source.text ? ` ${source.text}` : "";
  const broken = ["waiting", "failed", "paused", "stopped"].includes(source.state);
  return [
    el("h3", { text: broken ? `The source is ${source.state}` : "Waiting for the first hashtag" }),
    el("p", { text: `The source is ${source.type}, ${source.state}.${text}` }),
    el("p", { text: "The list fills by itself as soon as a tweet with a hashtag is counted." }),
  ];
}

function noSource({ url }) {
  const auth = hasToken() ? "-H 'Authorization: Bearer TOKEN' " : "";
  return [
    el("h3", { text: "No tweets yet" }),
    el("p", { text: "This daemon has no source. There are four ways to get tweets:" }),
    el("ol", { class: "ways" },
      way("Let it make some", "Start the daemon with the synthetic source.",
        "hashtagd serve --set source.type=synthetic"),
      way("Watch Bluesky", "Public posts as they are written; no account is needed.",
        "hashtagd serve --set source.type=jetstream"),
      way("Put a file", "JSON lines, a JSON array or a search answer, plain or gzip.",
        "hashtagd put FILE"),
      way("Post one", "A tweet as JSON, from any program.",
        `curl ${auth}-H 'Content-Type: application/json' --data @tweet.json ${url}`)),
  ];
}

function way(title, text, command) {
  const code = el("code", { text: command });
  const copy = el("button", { type: "button", class: "quiet", text: "Copy", "aria-label":
    `Copy the command: ${title}`, onclick: () => copyText(code, copy) });
  return el("li", {}, el("h4", { text: title }), el("p", { text }),
    el("div", { class: "command" }, code, copy));
}

// The clipboard is there on loopback and HTTPS only; elsewhere the command is selected instead.
async function copyText(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    announce("Copied.");
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function buttons(...pairs) {
  return el("p", { class: "empty-buttons" }, ...pairs.filter(Boolean).map(([text, onclick]) =>
    el("button", { type: "button", text, onclick })));
}
