// SPDX-License-Identifier: MIT
#include "check.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * find (data.dir/admin.url) -> ask readyz until it is ready
 *   \-> none runs: start this program as `serve` with the same configuration on a free port,
 *       and end it with SIGTERM when the check is over, or is killed itself
 */

enum {
    READY_TIMEOUT_MS = 90000,
    READY_INTERVAL_MS = 200,
    END_TIMEOUT_MS = 40000,
    LOG_LINES = 12,
    EXIT_CANNOT_START = 127,
};

static bool start_daemon(struct ht_check *check);
static bool wait_until_ready(struct ht_check *check);

static bool ask(struct ht_check *check, const char *path, struct ht_client_answer *answer)
{
    struct ht_error error;
    struct ht_client_request request = {.method = "GET", .path = path, .timeout_ms = 10000};
    return ht_client_ask(&check->client, &request, answer, &error) == 0;
}

static bool find_running(struct ht_check *check)
{
    struct ht_error error;
    if (ht_client_open(&check->client, check->config, NULL, &error) != 0) {
        return false;
    }
    struct ht_client_answer answer;
    bool answers = ask(check, "healthz", &answer) && answer.status == 200;
    ht_client_answer_finish(&answer);
    if (!answers) {
        ht_client_close(&check->client);
    }
    check->has_client = answers;
    return answers;
}

bool ht_check_daemon_find(struct ht_check *check)
{
    bool is_running = find_running(check);
    if (!is_running && !start_daemon(check)) {
        return false;
    }
    if (!wait_until_ready(check)) {
        return false;
    }
    ht_check_pass(check, "daemon",
                  is_running ? "the running one at %s is ready"
                             : "started for this check at %s, and ready",
                  check->client.url);
    return true;
}

/* The same flags again, then those that keep the check's daemon out of the way. */
static const char **make_arguments(const struct ht_check *check)
{
    const struct ht_command_line *line = check->line;
    const char **arguments = calloc(2 * line->set_count + 10, sizeof(*arguments));
    if (arguments == NULL) {
        return NULL;
    }
    size_t count = 0;
    arguments[count++] = "hashtagd";
    arguments[count++] = "serve";
    if (line->config != NULL) {
        arguments[count++] = "--config";
        arguments[count++] = line->config;
    }
    for (size_t i = 0; i < line->set_count; i++) {
        arguments[count++] = "--set";
        arguments[count++] = line->sets[i];
    }
    static const char *const own[] = {"--set", "admin.listen=127.0.0.1:0", "--set",
                                      "log.format=text"};
    for (size_t i = 0; i < HT_COUNT_OF(own); i++) {
        arguments[count++] = own[i];
    }
    return arguments;
}

/* In the child: what may be called between fork and exec, and no more. The kernel sends SIGTERM when
 * the check is gone, whatever ended it; it may be gone already. */
static _Noreturn void become_daemon(pid_t parent, int log_fd, const char **arguments)
{
    int null_fd = open("/dev/null", O_RDONLY);
    bool is_ready = prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent && null_fd >= 0 &&
                    dup2(null_fd, STDIN_FILENO) >= 0 && dup2(log_fd, STDOUT_FILENO) >= 0 &&
                    dup2(log_fd, STDERR_FILENO) >= 0;
    if (is_ready) {
        (void)execve("/proc/self/exe", (char *const *)(void *)arguments, environ);
    }
    _exit(EXIT_CANNOT_START);
}

static int spawn(struct ht_check *check, const char **arguments)
{
    int log_fd = fileno(check->child_log);
    pid_t parent = getpid();
    check->child = fork();
    if (check->child == 0) {
        become_daemon(parent, log_fd, arguments);
    }
    return check->child < 0 ? errno : 0;
}

static bool start_daemon(struct ht_check *check)
{
    const char **arguments = make_arguments(check);
    check->child_log = tmpfile();
    int result = arguments == NULL || check->child_log == NULL ? ENOMEM : spawn(check, arguments);
    free((void *)arguments);
    if (result != 0) {
        check->child = 0;
        ht_check_fail(check, "daemon", strerror(result), "start one with hashtagd serve");
        return false;
    }
    return true;
}

/* The last lines of the log say why. */
static void print_log(struct ht_check *check)
{
    if (check->child_log == NULL) {
        return;
    }
    char lines[LOG_LINES][512];
    size_t count = 0;
    rewind(check->child_log);
    while (fgets(lines[count % LOG_LINES], sizeof(lines[0]), check->child_log) != NULL) {
        count++;
    }
    size_t from = count > LOG_LINES ? count - LOG_LINES : 0;
    for (size_t i = from; i < count; i++) {
        (void)printf("      | %s", lines[i % LOG_LINES]);
    }
}

static bool has_ended(struct ht_check *check)
{
    int status;
    if (check->child <= 0 || waitpid(check->child, &status, WNOHANG) != check->child) {
        return false;
    }
    check->child = 0;
    char text[64];
    (void)snprintf(text, sizeof(text), "it ended while starting, with status %d:",
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    ht_check_fail(check, "daemon", text, NULL);
    print_log(check);
    return true;
}

/* The problem's own words, out of the answer of readyz. */
static void fail_with_detail(struct ht_check *check, struct ht_slice body)
{
    struct ht_json *root = ht_json_parse(body, 0, NULL, NULL);
    struct ht_slice detail = ht_json_text(ht_json_member(root, "detail"));
    char text[900];
    (void)snprintf(text, sizeof(text), "not ready within %d s: %.*s", READY_TIMEOUT_MS / 1000,
                   (int)(detail.length < 800 ? detail.length : 800), detail.data);
    ht_check_fail(check, "daemon", text, "see GET /status and the log of the daemon");
    ht_json_destroy(root);
}

static bool wait_until_ready(struct ht_check *check)
{
    for (unsigned waited_ms = 0;; waited_ms += READY_INTERVAL_MS) {
        struct ht_client_answer answer = {0};
        bool is_there = check->has_client || find_running(check);
        bool answers = is_there && ask(check, "readyz", &answer);
        bool is_ready = answers && answer.status == 200, is_late = waited_ms >= READY_TIMEOUT_MS;
        if (!is_ready && is_late) {
            fail_with_detail(check, answers ? ht_buffer_slice(&answer.body)
                                            : HT_SLICE("{\"detail\":\"it does not answer\"}"));
            print_log(check);
        }
        ht_client_answer_finish(&answer);
        if (is_ready || is_late || has_ended(check)) {
            return is_ready;
        }
        if (check->has_client) {
            (void)ht_client_wait(&check->client, READY_INTERVAL_MS);
        } else {
            (void)poll(NULL, 0, READY_INTERVAL_MS);
        }
    }
}

void ht_check_daemon_leave(struct ht_check *check)
{
    if (check->has_client) {
        ht_client_close(&check->client);
        check->has_client = false;
    }
    if (check->child > 0) {
        (void)kill(check->child, SIGTERM);
        for (unsigned waited_ms = 0; waited_ms < END_TIMEOUT_MS; waited_ms += READY_INTERVAL_MS) {
            if (waitpid(check->child, NULL, WNOHANG) == check->child) {
                check->child = 0;
                break;
            }
            (void)poll(NULL, 0, READY_INTERVAL_MS);
        }
    }
    if (check->child > 0) {
        (void)kill(check->child, SIGKILL);
        (void)waitpid(check->child, NULL, 0);
        check->child = 0;
    }
    if (check->child_log != NULL) {
        (void)fclose(check->child_log);
        check->child_log = NULL;
    }
}
