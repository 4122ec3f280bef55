// SPDX-License-Identifier: MIT
#include "hashtagd/net/tls.h"

#include "hashtagd/base/assert.h"
#include "hashtagd/net/http_client.h"
#include "net_certificate.h"
#include "net_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define CALLS_MAX 6

struct call {
    struct script *script;
    int code, status;
    size_t wrong_bytes, body_bytes;
};

/* Some requests over TLS to the fixture's server. */
struct script {
    struct fixture fixture;
    struct net_certificate files;
    struct ht_tls *tls;
    struct ht_http_client *client;
    const char *ca_file;
    const char *clients_ca_file;
    const char *paths[CALLS_MAX];
    struct call calls[CALLS_MAX];
    unsigned started, done;
};

static void on_client_closed(void *user)
{
    struct script *script = user;

    fixture_end(&script->fixture);
}

static void on_done(void *user, struct ht_http_result *result)
{
    struct call *call = user;
    struct script *script = call->script;

    call->code = result->code;
    call->status = result->status;
    call->body_bytes = result->body.length;
    for (size_t i = 0; i < result->body.length && result->body.length == FIXTURE_BIG_BYTES; i++) {
        call->wrong_bytes += result->body.data[i] != fixture_big_byte(i);
    }
    if (++script->done == script->started) {
        ht_http_client_close(script->client, on_client_closed, script);
    }
}

static void ask_all(struct fixture *fixture)
{
    struct script *script = HT_CONTAINER_OF(fixture, struct script, fixture);
    struct ht_error error;
    char url[64];

    assert_int_equal(ht_http_client_create(&script->client, fixture->loop, &error), 0);
    ht_http_client_trust(script->client, script->clients_ca_file);
    for (unsigned i = 0; i < CALLS_MAX && script->paths[i] != NULL; i++) {
        struct call *call = &script->calls[script->started++];
        snprintf(url, sizeof url, "https://127.0.0.1:%u%s", fixture->port, script->paths[i]);
        struct ht_http_transfer_options options = {.url = url,
                                                   .ca_file = script->ca_file,
                                                   .timeout_ms = 20000,
                                                   .max_response_bytes = FIXTURE_BIG_BYTES,
                                                   .on_done = on_done,
                                                   .user = call};
        call->script = script;
        assert_int_equal(ht_http_transfer_start(script->client, &options, NULL, &error), 0);
    }
}

static void set_up(struct script *script)
{
    struct ht_error error;

    assert_true(net_certificate_make(&script->files));
    if (ht_tls_create(&script->tls, script->files.cert_path, script->files.key_path, &error) != 0) {
        fail_msg("%s", error.text);
    }
    script->fixture.options.tls = script->tls;
    script->ca_file = script->files.cert_path;
}

static void tear_down(struct script *script)
{
    ht_tls_destroy(script->tls);
    net_certificate_remove(&script->files);
}

static void test_requests_over_tls(void **state)
{
    static struct script script = {.paths = {"/ok", "/big", "/nothing", "/later", "/big"}};

    (void)state;
    set_up(&script);
    script.fixture.on_start = ask_all;
    fixture_run(&script.fixture);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(script.calls[i].code, 0);
        assert_int_equal(script.calls[i].status, i == 2 ? 404 : 200);
        assert_int_equal(script.calls[i].wrong_bytes, 0);
    }
    assert_int_equal(script.calls[0].body_bytes, 6);
    assert_int_equal(script.calls[1].body_bytes, FIXTURE_BIG_BYTES);
    assert_int_equal(script.calls[4].body_bytes, FIXTURE_BIG_BYTES);
    tear_down(&script);
}

static void test_issuers_of_the_client_stand_in(void **state)
{
    static struct script script = {.paths = {"/ok"}};

    (void)state;
    set_up(&script);
    script.clients_ca_file = script.ca_file;
    script.ca_file = NULL;
    script.fixture.on_start = ask_all;
    fixture_run(&script.fixture);
    assert_int_equal(script.calls[0].code, 0);
    assert_int_equal(script.calls[0].status, 200);
    tear_down(&script);
}

static void test_client_that_does_not_trust(void **state)
{
    static struct script script = {.paths = {"/ok"}};

    (void)state;
    set_up(&script);
    script.ca_file = NULL;
    script.fixture.on_start = ask_all;
    fixture_run(&script.fixture);
    assert_int_equal(script.calls[0].code, HT_EPERMISSION);
    assert_int_equal(script.fixture.request_count, 0);
    tear_down(&script);
}

static void speak_plainly(struct fixture *fixture, void *user)
{
    struct ht_buffer *seen = user;
    int fd = client_connect(fixture->port);

    client_send_text(fd, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
    client_receive_all(fd, seen);
    close(fd);
    fd = client_connect(fixture->port);
    client_send_text(fd, "\x16\x03\x01"); /* and no more of the handshake */
    client_receive_all(fd, seen);
    close(fd);
}

static void test_plain_and_stuck_clients_are_closed(void **state)
{
    static struct script script;
    struct ht_buffer seen;

    (void)state;
    ht_buffer_init(&seen, 1u << 20);
    set_up(&script);
    script.fixture.options.head_timeout_ms = 50;
    script.fixture.client = speak_plainly;
    script.fixture.client_user = &seen;
    fixture_run(&script.fixture);
    assert_int_equal(script.fixture.request_count, 0);
    assert_int_equal(count_of(seen.data, "HTTP/1.1"), 0);
    ht_buffer_finish(&seen);
    tear_down(&script);
}

static void check_refusal(const char *cert_path, const char *key_path, int code, const char *named)
{
    struct ht_error error = {0};
    struct ht_tls *tls;

    assert_int_equal(ht_tls_create(&tls, cert_path, key_path, &error), code);
    assert_null(tls);
    assert_int_equal(error.code, code);
    if (strstr(error.text, named) == NULL) {
        fail_msg("\"%s\" does not name %s", error.text, named);
    }
}

static void test_files_that_will_not_do(void **state)
{
    struct net_certificate one;
    struct net_certificate two;

    (void)state;
    assert_true(net_certificate_make(&one));
    assert_true(net_certificate_make(&two));
    check_refusal("/nowhere/cert.pem", one.key_path, HT_EIO, "/nowhere/cert.pem");
    check_refusal(one.cert_path, "/nowhere/key.pem", HT_EIO, "/nowhere/key.pem");
    check_refusal(one.key_path, one.key_path, HT_EPARSE, one.key_path);
    check_refusal(one.cert_path, one.cert_path, HT_EPARSE, one.cert_path);
    check_refusal(one.cert_path, two.key_path, HT_EINVAL, two.key_path);
    net_certificate_remove(&one);
    net_certificate_remove(&two);
    ht_tls_destroy(NULL);
}

/* OpenSSL would ask for it on the terminal, and the daemon stand still. */
static void test_a_key_with_a_passphrase_is_refused_at_once(void **state)
{
    struct net_certificate one;

    (void)state;
    assert_true(net_certificate_make(&one));
    assert_true(net_certificate_lock(&one));
    check_refusal(one.cert_path, one.key_path, HT_EPARSE, "without a passphrase");
    net_certificate_remove(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_over_tls),
        cmocka_unit_test(test_issuers_of_the_client_stand_in),
        cmocka_unit_test(test_client_that_does_not_trust),
        cmocka_unit_test(test_plain_and_stuck_clients_are_closed),
        cmocka_unit_test(test_files_that_will_not_do),
        cmocka_unit_test(test_a_key_with_a_passphrase_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("net/tls", tests, NULL, NULL);
}
