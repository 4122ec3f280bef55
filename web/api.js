// SPDX-License-Identifier: MIT
// Requests to the daemon: the token, the deadline, and errors that say what to do.

const TOKEN = "hashtagd.token";
const DEADLINE_MS = 15000;

let token = load();
let onUnauthorized = () => {};

/** An answer that is no success. `status` is 0 where there was no answer at all. */
export class ApiError extends Error {
  constructor(status, title, detail, retryAfter = null) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.retryAfter = retryAfter;
  }
}

/** Who to tell when the daemon asks for a token. */
export const setUnauthorized = (handler) => { onUnauthorized = handler; };

/** Whether a token is known. */
export const hasToken = () => token !== "";

/** Keeps the token for this browser tab. */
export function setToken(value) {
  token = value;
  try {
    if (value) sessionStorage.setItem(TOKEN, value);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // Without storage the token lasts as long as the page.
  }
}

/** The address of a path with its query; relative, so that a proxy may move the whole page. */
export function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  url.hash = "";
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(key, value);
  }
  return url;
}

/** The path of one hashtag. The leading %23 keeps "." and ".." from being path steps. */
export const tagPath = (tag) => `hashtags/%23${encodeTag(tag)}`;

/** Percent-encodes a hashtag, a lone surrogate included. */
export const encodeTag = (tag) =>
  encodeURIComponent(String(tag).toWellFormed ? String(tag).toWellFormed() : String(tag));

/** The headers that every request carries. */
export function headers(more = {}) {
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

/** Sends one request and gives its JSON; throws ApiError for everything else. */
export async function request(method, path, { query, signal } = {}) {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  let response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers: headers({ Accept: "application/json, application/problem+json" }),
      cache: "no-store",
      credentials: "omit",
      signal: signal ? either(signal, deadline) : deadline,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(error);
  }
  if (!response.ok) throw await failure(response);
  try {
    return await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(response.status, "Broken answer", "The daemon's answer is cut off or no JSON.");
  }
}

/** Turns an answer that is no success into an ApiError; 401 tells whoever asks for tokens. */
export async function failure(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // A proxy in between may answer in HTML; the status line is enough then.
  }
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const error = new ApiError(response.status, problem.title || response.statusText || "Error",
    problem.detail || `The daemon answered ${response.status}.`, Number.isNaN(after) ? null : after);
  if (error.status === 401) onUnauthorized(error);
  return error;
}

function unreachable(error) {
  const late = error?.name === "TimeoutError";
  return new ApiError(0, "No answer", late
    ? "The daemon did not answer in time."
    : "The daemon does not answer. Is it running?");
}

function either(one, other) {
  if (AbortSignal.any) return AbortSignal.any([one, other]);
  const controller = new AbortController();
  for (const signal of [one, other]) {
    signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
  }
  return controller.signal;
}

function load() {
  try {
    return sessionStorage.getItem(TOKEN) ?? "";
  } catch {
    return "";
  }
}
