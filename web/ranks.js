// SPDX-License-Identifier: MIT
// Remembers the ranks of the last minute, to tell how a hashtag's rank changed.

const STEP_S = 5;
const SPAN_S = 60;

/** A memory of ranks for one window; clear() it when the window changes. */
export class RankMemory {
  #shots = [];

  clear() {
    this.#shots = [];
  }

  /** Takes note of a list that begins at rank 1. */
  record(items, at) {
    const last = this.#shots.at(-1);
    if (last && at - last.at < STEP_S) return;
    this.#shots.push({
      at,
      size: items.length,
      ranks: new Map(items.map((item) => [item.hashtag, item.rank])),
    });
    while (this.#shots.length > 1 && at - this.#shots[0].at > SPAN_S) this.#shots.shift();
  }

  /** Places gained (negative: lost) since the oldest list; "new", or null where unknown. */
  change(tag, rank) {
    const oldest = this.#shots[0];
    if (!oldest) return null;
    const before = oldest.ranks.get(tag);
    if (before !== undefined) return before - rank;
    return rank <= oldest.size ? "new" : null;
  }
}
