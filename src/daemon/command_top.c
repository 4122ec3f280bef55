// SPDX-License-Identifier: MIT
#include "command.h"

#include "client.h"
#include "top_table.h"

#include "hashtagd/base/clock.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 *     read flags -> configuration -> open the client -> ask -> draw [-> wait -> ask ...]
 */

enum {
    TIMEOUT_MS = 10000,
    BUSY_MS = 250,
    MAX_TRIES = 20,
    WATCH_MS = 1000,
    MAX_SCREEN_BYTES = 4 * 1024 * 1024,
    MAX_LIMIT = 1000
};

/* What is asked for. */
struct wish {
    char path[64];
    bool is_watching;
    bool is_terminal;
};

static bool read_wish(const struct ht_command_line *line, struct wish *wish);
static int run(struct ht_client *client, const struct wish *wish);
static int draw(struct ht_client *client, const struct wish *wish, struct ht_error *error);

int ht_command_top(const struct ht_command_line *line)
{
    struct wish wish = {.is_terminal = isatty(STDOUT_FILENO) == 1};
    if (!read_wish(line, &wish)) {
        return HT_EXIT_USAGE;
    }
    struct ht_config config;
    struct ht_client client;
    struct ht_error error;
    int status = ht_command_load_config(line, HT_CONFIG_FOR_CLIENT, &config);
    if (status == HT_EXIT_DONE) {
        int result = ht_client_open(&client, &config, ht_command_flag_value(line, "--url"), &error);
        if (result != 0) {
            (void)fprintf(stderr, "hashtagd: %s\n", error.text);
            status = result == HT_EINVAL ? HT_EXIT_USAGE : HT_EXIT_FAILED;
        } else {
            status = run(&client, &wish);
            ht_client_close(&client);
        }
    }
    ht_config_finish(&config);
    return status;
}

static bool read_wish(const struct ht_command_line *line, struct wish *wish)
{
    const char *n = ht_command_flag_value(line, "-n");
    const char *window = ht_command_flag_value(line, "--window");
    uint64_t limit = 20;
    if (n != NULL && (ht_slice_to_u64(ht_slice_text(n), MAX_LIMIT, &limit) != 0 || limit == 0)) {
        (void)fprintf(stderr, "hashtagd: -n: found %s; accepted: a whole number from 1 to %d\n", n,
                      MAX_LIMIT);
        return false;
    }
    window = window == NULL ? "all" : window;
    if (strcmp(window, "all") != 0 && strcmp(window, "5m") != 0 && strcmp(window, "1h") != 0 &&
        strcmp(window, "24h") != 0) {
        (void)fprintf(stderr, "hashtagd: --window: found %s; accepted: all, 5m, 1h or 24h\n",
                      window);
        return false;
    }
    (void)snprintf(wish->path, sizeof(wish->path), "hashtags?limit=%u&window=%s", (unsigned)limit,
                   window);
    wish->is_watching = ht_command_flag_value(line, "--watch") != NULL;
    return true;
}

/* The other screen of the terminal, so that the old content comes back at the end. */
static void enter_screen(const struct wish *wish)
{
    if (wish->is_watching && wish->is_terminal) {
        (void)fputs("\033[?1049h\033[?25l", stdout);
    }
}

static void leave_screen(const struct wish *wish)
{
    if (wish->is_watching && wish->is_terminal) {
        (void)fputs("\033[?25h\033[?1049l", stdout);
        (void)fflush(stdout);
    }
}

static int watch(struct ht_client *client, const struct wish *wish, struct ht_error *error)
{
    int result = 0;
    while (ferror(stdout) == 0 && ht_client_wait(client, WATCH_MS)) {
        result = draw(client, wish, error);
        if (result != 0 && result != HT_ECANCELED && wish->is_terminal) {
            (void)printf("\033[K\n%s\033[K\n", error->text);
            (void)fflush(stdout);
        }
    }
    return result == HT_ECANCELED ? 0 : result;
}

/* The first answer decides whether there is anything to watch. */
static int run(struct ht_client *client, const struct wish *wish)
{
    struct ht_error error;
    int result = wish->is_watching ? ht_client_watch_interrupts(client, &error) : 0;
    if (result == 0) {
        enter_screen(wish);
        result = draw(client, wish, &error);
        if (result == 0 && wish->is_watching) {
            (void)watch(client, wish, &error);
        }
        leave_screen(wish);
    }
    if (result == HT_ECANCELED) {
        return HT_EXIT_DONE;
    }
    if (result != 0) {
        (void)fprintf(stderr, "hashtagd: %s\n", error.text);
    }
    return result == 0 ? HT_EXIT_DONE : HT_EXIT_FAILED;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : 80;
}

static size_t terminal_rows(void)
{
    struct winsize size;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;
    return is_known ? size.ws_row : 24;
}

/* Line by line over the old picture, so that nothing flickers; what does not fit is left out. The
 * last row stays free for a message. */
static void print_screen(struct ht_slice text)
{
    size_t rows = terminal_rows();
    (void)fputs("\033[H", stdout);
    for (size_t row = 2; text.length > 0 && row < rows; row++) {
        const char *end = memchr(text.data, '\n', text.length);
        size_t length = end == NULL ? text.length : (size_t)(end - text.data);
        (void)fwrite(text.data, 1, length, stdout);
        (void)fputs("\033[K\n", stdout);
        size_t taken = end == NULL ? length : length + 1;
        text = ht_slice_make(text.data + taken, text.length - taken);
    }
    (void)fputs("\033[J", stdout);
}

static int print_list(struct ht_client *client, const struct wish *wish,
                      const struct ht_client_answer *answer, struct ht_error *error)
{
    struct ht_buffer text;
    ht_buffer_init(&text, MAX_SCREEN_BYTES);
    struct ht_top_style style = {.columns = terminal_columns(),
                                 .now_s = ht_clock_wall_s(ht_loop_clock(client->loop)),
                                 .has_colour = wish->is_terminal};
    int result =
        ht_top_table_read(ht_buffer_slice(&answer->body), client->url, &style, &text, error);
    if (result == 0 && wish->is_watching && wish->is_terminal) {
        print_screen(ht_buffer_slice(&text));
    } else if (result == 0) {
        (void)fputs(ht_buffer_slice(&text).data, stdout);
    }
    if (result == 0 && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        result = ht_error_set(error, HT_EIO, "The output cannot be written.");
    }
    ht_buffer_finish(&text);
    return result;
}

/* A daemon that is just starting answers 503 until its counts are loaded. */
static int ask(struct ht_client *client, const struct ht_client_request *request,
               struct ht_client_answer *answer, struct ht_error *error)
{
    int result = ht_client_ask(client, request, answer, error);
    for (int tries = 1; result == 0 && answer->status == 503 && tries < MAX_TRIES; tries++) {
        ht_client_answer_finish(answer);
        (void)ht_client_wait(client, BUSY_MS);
        result = ht_client_ask(client, request, answer, error);
    }
    return result;
}

static int draw(struct ht_client *client, const struct wish *wish, struct ht_error *error)
{
    struct ht_client_request request = {
        .method = "GET", .path = wish->path, .timeout_ms = TIMEOUT_MS};
    struct ht_client_answer answer;
    int result = ask(client, &request, &answer, error);
    if (result == 0 && answer.status != 200) {
        result = ht_client_explain(client, &answer, error);
    }
    if (result == 0) {
        result = print_list(client, wish, &answer, error);
    }
    ht_client_answer_finish(&answer);
    return result;
}
