// SPDX-License-Identifier: MIT
#pragma once

/**
 * What the end of a WebSocket to Jetstream means: the reason that is counted, and what a
 * person reads, with the cure where there is one. A plain decision.
 */

#include "hashtagd/base/error.h"
#include "hashtagd/base/slice.h"
#include "hashtagd/net/websocket.h"
#include "hashtagd/pipeline/source.h"

#include <stdbool.h>

/** What was found. */
struct ht_jetstream_end {
    enum ht_source_end end;
    bool is_cursor_refused; /**< the service does not take the cursor, and never will */
    struct ht_error error;
};

/** Explains `end`; `host` is who it was, for the text. */
void ht_jetstream_end_explain(const struct ht_websocket_end *end, struct ht_slice host,
                              struct ht_jetstream_end *out);

/** The reason that a code of a close frame (RFC 6455 section 7.4 and IANA's list) stands for. */
enum ht_source_end ht_jetstream_end_of_close(unsigned close_code);
