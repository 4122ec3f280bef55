// SPDX-License-Identifier: MIT
#include "credentials_answer.h"
#include "credentials_sources.h"

#include "hashtagd/base/assert.h"

#include <stdio.h>
#include <string.h>

/* start -> program ends -> its output read -> done. Source: AWS SDKs and Tools Reference Guide,
 * "Process credential provider". */

#define TIMEOUT_MS        60000
#define SHOWN_ERROR_BYTES 200

static void on_ended(void *user, struct ht_process_result *result);
static int read_result(struct ht_aws_process_source *source,
                       const struct ht_process_result *result);
static const char *shown_errors(const struct ht_process_result *result,
                                char text[SHOWN_ERROR_BYTES + 1]);
static void on_start_failed(struct ht_timer *timer);

void ht_aws_process_source_start(struct ht_aws_process_source *source)
{
    struct ht_process_options options = {
        .timeout_ms = TIMEOUT_MS, .on_done = on_ended, .user = source};

    source->keys = NULL;
    source->process = NULL;
    ht_timer_init(&source->timer, on_start_failed);
    source->status = ht_aws_command_line_parse(&source->line, source->command, &source->error);
    if (source->status == 0) {
        options.arguments = source->line.arguments;
        source->status =
            ht_process_start(source->options->loop, &options, &source->process, &source->error);
        source->status = source->status == HT_ENOTFOUND ? HT_EINVAL : source->status;
    }
    if (source->status != 0) {
        ht_error_prefix(&source->error, "The %s cannot be run", source->origin);
        ht_timer_start(ht_loop_timers(source->options->loop), &source->timer, 0);
    }
}

static void on_start_failed(struct ht_timer *timer)
{
    struct ht_aws_process_source *source =
        HT_CONTAINER_OF(timer, struct ht_aws_process_source, timer);

    ht_aws_command_line_finish(&source->line);
    source->done(source);
}

static void on_ended(void *user, struct ht_process_result *result)
{
    struct ht_aws_process_source *source = user;

    source->process = NULL;
    source->status = read_result(source, result);
    ht_aws_command_line_finish(&source->line);
    source->done(source);
}

static int read_result(struct ht_aws_process_source *source, const struct ht_process_result *result)
{
    char errors[SHOWN_ERROR_BYTES + 1];

    if (result->code != 0) {
        return ht_error_set(&source->error, result->code, "The %s failed: %s.", source->origin,
                            result->error_text);
    }
    if (result->signal_number != 0) {
        return ht_error_set(&source->error, HT_EPERMISSION,
                            "The %s was ended by signal %d. It said: %s", source->origin,
                            result->signal_number, shown_errors(result, errors));
    }
    if (result->exit_status != 0) {
        return ht_error_set(&source->error, HT_EPERMISSION,
                            "The %s ended with exit status %d. It said: %s", source->origin,
                            result->exit_status, shown_errors(result, errors));
    }
    return ht_aws_answer_parse(HT_AWS_ANSWER_PROCESS, ht_buffer_slice(&result->output),
                               source->origin, &source->keys, &source->error);
}

/* Its standard error on one line; never its output, which is the secret. */
static const char *shown_errors(const struct ht_process_result *result,
                                char text[SHOWN_ERROR_BYTES + 1])
{
    struct ht_slice errors = ht_slice_trim(ht_buffer_slice(&result->errors));
    size_t length = errors.length < SHOWN_ERROR_BYTES ? errors.length : SHOWN_ERROR_BYTES;

    for (size_t i = 0; i < length; i++) {
        text[i] = errors.data[i] >= ' ' && errors.data[i] < 127 ? errors.data[i] : ' ';
    }
    text[length] = '\0';
    return length == 0 ? "nothing" : text;
}

void ht_aws_process_source_cancel(struct ht_aws_process_source *source)
{
    if (source->process != NULL) {
        ht_process_cancel(source->process);
    } else {
        source->status = HT_ECANCELED; /* the timer runs */
    }
}
