/* SPDX-License-Identifier: Apache-2.0
 *
 * Handshakes that lie, stammer, stay silent, or come twice.
 */
#include "support/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "support/both_loops.h"
#include "system/siege.h"

enum { PASSRIGHTS = 83 }; /* SO_PASSRIGHTS, of Linux 6.16 */

/* ---- handshakes ---- */

static void send_bytes(const void *bytes, size_t length, int *socket)
{
    *socket = raw_connect(bed.daemon.socket);
    assert_true(*socket >= 0);
    assert_int_equal(send(*socket, bytes, length, MSG_NOSIGNAL), length);
}

static void malformed_hellos_end_the_connection(void **state)
{
    const struct wire_hello good = raw_hello(16, 1 << 16);
    struct {
        struct wire_hello hello;
        size_t length;
    } cases[11];
    size_t count = 0;

    (void)state;
#define CASE(change)                                                                                                   \
    do {                                                                                                               \
        cases[count].hello = good;                                                                                     \
        cases[count].length = sizeof good;                                                                             \
        change;                                                                                                        \
        count++;                                                                                                       \
    } while (0)
    CASE(cases[count].length = 3);
    CASE(cases[count].length = sizeof(struct wire_header));
    CASE(cases[count].length = sizeof good - 1);
    CASE(cases[count].hello.header.magic ^= 1);
    CASE(cases[count].hello.header.length++);
    CASE(cases[count].hello.header.type = WIRE_LIST);
    CASE(cases[count].hello.header.type = 0xffff);
    CASE(cases[count].hello.header.reserved = 1);
    CASE(cases[count].hello.reserved = 1);
    CASE(cases[count].hello.abi_max = 0);
    CASE(memset(cases[count].hello.name, 'x', sizeof good.name));
#undef CASE
    for (size_t i = 0; i < count; i++) {
        int socket;

        send_bytes(&cases[i].hello, cases[i].length, &socket);
        assert_true(siege_closes(socket, 5000));
        close(socket);
    }
}

static void garbage_is_no_hello(void **state)
{
    struct rng rng = rng_make(1, 1);

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct wire_hello hello = raw_hello(16, 1 << 16);
        unsigned char *bytes = (unsigned char *)&hello;
        int socket;

        /* Half of them damaged in one byte only, which may leave them valid. */
        for (size_t k = 0; i & 1 && k < sizeof hello; k++)
            bytes[k] = (unsigned char)rng_u32(&rng);
        bytes[rng_below(&rng, sizeof hello)] ^= (unsigned char)(1 + rng_below(&rng, 255));
        send_bytes(&hello, 1 + rng_below(&rng, sizeof hello), &socket);
        close(socket);
    }
}

/* Where the kernel can refuse them, descriptors cannot be sent, before the handshake or after; whoever has to close
 * them might wait for that. Elsewhere none stays. */
static void descriptors_cannot_be_sent(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);
    const struct wire_control list = { .header = { WIRE_MAGIC, WIRE_LIST, 0, sizeof list }, .id = 1 };
    int fds[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
    int expected, on;

    (void)state;
    for (int i = 0; i < 100; i++) {
        int socket = raw_connect(bed.daemon.socket);

        assert_true(socket >= 0);
        expected = getsockopt(socket, SOL_SOCKET, PASSRIGHTS, &on, &(socklen_t){ sizeof on }) ? 0 : -EPERM;
        assert_int_equal(message_send(socket, &hello, sizeof hello, fds, 3, 0), expected);
        siege_closes(socket, 20);
        close(socket);
    }
    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(message_send(bed.client.socket, &list, sizeof list, fds, 1, 0), expected);
    raw_close(&bed.client);
}

static void another_version_is_refused_with_a_sentence(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    hello.abi_min = hello.abi_max = WIRE_ABI_MAX + 1;
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_VERSION);
    assert_non_null(strstr(bed.client.welcome.text, "ABI"));
    /* As libwisp said it before it sealed its region. */
    hello.abi_min = hello.abi_max = 1;
    hello.features = WIRE_FEATURE_NOTIFY | WIRE_FEATURE_TIMINGS;
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_VERSION);
    assert_string_equal(bed.client.welcome.text, "the client speaks ABI 1 to 1, the daemon 2 to 2");
    hello = raw_hello(16, 1 << 16);
    hello.features = hello.features_needed = 1ull << 63;
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), WISP_E_VERSION);
    assert_non_null(strstr(bed.client.welcome.text, "feature"));
}

static void silence_has_a_second(void **state)
{
    int socket = raw_connect(bed.daemon.socket);
    uint64_t begin = clock_ns();

    (void)state;
    assert_true(siege_closes(socket, 5000));
    assert_true(clock_ns() - begin > 900 * NS_PER_MS);
    close(socket);
}

/* More connections without a hello than a user may have pending: the oldest go, and others still get in. */
static void silent_connections_keep_nobody_out(void **state)
{
    enum { MANY = 200 };
    static int sockets[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        sockets[i] = raw_connect(bed.daemon.socket);
        assert_true(sockets[i] >= 0);
    }
    alpha_open(&bed.client, bed.daemon.socket);
    alpha_round(bed.reference, &bed.client, raw_route(&bed.client, "alpha"), 1, 2);
    raw_close(&bed.client);
    /* 64 of one user may be pending; the connection above came after all of them. */
    assert_in_range(daemon_descriptors(&bed.daemon), siege.descriptors, siege.descriptors + 64 + 5);
    assert_true(siege_closes(sockets[0], 5000));
    for (int i = 0; i < MANY; i++)
        close(sockets[i]);
}

static void a_second_hello_ends_the_channel(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);

    (void)state;
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    assert_int_equal(message_send(bed.client.socket, &hello, sizeof hello, NULL, 0, 0), 0);
    assert_true(siege_closes(bed.client.socket, 5000));
    assert_int_equal(bed.client.theirs->state, WIRE_STATE_CLOSED);
    raw_close(&bed.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE(malformed_hellos_end_the_connection),
        SIEGE(garbage_is_no_hello),
        SIEGE(descriptors_cannot_be_sent),
        SIEGE(another_version_is_refused_with_a_sentence),
        SIEGE(silence_has_a_second),
        SIEGE(silent_connections_keep_nobody_out),
        SIEGE(a_second_hello_ends_the_channel),
    };

    return run_over_both_loops(tests, siege_begin, siege_end);
}
