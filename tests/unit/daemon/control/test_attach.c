/* SPDX-License-Identifier: Apache-2.0
 *
 * The threads that receive clients' buffers: one that nobody can listen to is ended, and taken for none.
 */
#include "support/test.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/control/attach.h"
#include "support/process_threads.h"

enum { PATIENCE_MS = 20000, BYTES = 4096 };

static struct bed {
    struct wispd daemon;
    struct connection *connection;
    int peer;
} bed;

/* ---- a loop that has no room ---- */

static int edge_result; /* of the next ones; 0: as it comes */

int __real_loop_edge(struct loop *loop, int fd, uint64_t token); // NOLINT(bugprone-reserved-identifier): the linker's
int __wrap_loop_edge(struct loop *loop, int fd, uint64_t token); // NOLINT(bugprone-reserved-identifier)

// NOLINTNEXTLINE(bugprone-reserved-identifier)
int __wrap_loop_edge(struct loop *loop, int fd, uint64_t token)
{
    return edge_result ? edge_result : __real_loop_edge(loop, fd, token);
}

/* ---- a control thread's state, with one client ---- */

static int setup(void **state)
{
    struct reason why;
    int ends[2];

    (void)state;
    memset(&bed, 0, sizeof bed); /* not assigned: a copy on the stack would be 34 KB */
    bed.peer = -1;
    edge_result = 0;
    assert_ok(loop_new(LOOP_AUTO, 16, &bed.daemon.loop, NULL, &why), why);
    assert_int_equal(users_init(&bed.daemon.users, 4, 4, 1 << 20), 0);
    assert_int_equal(connection_table_init(&bed.daemon.table, 4, 1), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    bed.connection = connection_accept(&bed.daemon.table, ends[0], users_get(&bed.daemon.users, getuid()));
    assert_non_null(bed.connection);
    bed.peer = ends[1];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    attachers_end(&bed.daemon);
    close(bed.connection->socket);
    close(bed.peer);
    connection_table_deinit(&bed.daemon.table);
    users_deinit(&bed.daemon.users);
    loop_free(bed.daemon.loop);
    return 0;
}

static int attach(int *socket)
{
    uint32_t number;
    struct reason why;

    return buffer_attach(&bed.daemon, bed.connection, BYTES, &number, socket, &why);
}

static unsigned attacher_threads(void)
{
    return process_threads(getpid(), "wispd-attacher", NULL, NULL, NULL);
}

/* What the attacher has done is heard of, and its client is answered. */
static void is_answered(int socket)
{
    const uint64_t end = clock_ns() + PATIENCE_MS * NS_PER_MS;
    struct pollfd answer = { .fd = socket, .events = POLLIN };
    struct loop_event events[4];

    while (clock_ns() < end && poll(&answer, 1, 0) == 0) {
        if (loop_wait(bed.daemon.loop, events, ARRAY_SIZE(events), clock_ns() + 10 * NS_PER_MS) > 0)
            attachers_ready(&bed.daemon);
    }
    assert_int_equal(poll(&answer, 1, 0), 1);
}

/* ---- what is held ---- */

static void one_that_nobody_can_listen_to_is_ended(void **state)
{
    int socket;

    (void)state;
    edge_result = -ENOMEM;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(attach(&socket), -ENOMEM);
        assert_int_equal(attacher_threads(), 0);
        assert_int_equal(bed.connection->charged, 0);
    }
    edge_result = 0;
    assert_int_equal(attach(&socket), 0);
    assert_int_equal(attacher_threads(), 1);
    assert_int_equal(send(socket, "no buffer", 9, 0), 9);
    is_answered(socket);
    assert_int_equal(bed.connection->charged, 0);
    close(socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_that_nobody_can_listen_to_is_ended, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
